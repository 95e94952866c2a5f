"""VikingDB knowledge base (知识库): chat, packaged services, retrieval, reranking."""
