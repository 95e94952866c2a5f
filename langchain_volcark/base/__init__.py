"""Base classes of all vendors: chat model, embeddings, reranker, and their common settings."""
