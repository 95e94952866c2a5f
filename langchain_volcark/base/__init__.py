"""What all vendors' classes inherit: chat model, embeddings, reranker, service settings."""
