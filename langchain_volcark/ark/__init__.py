"""Volcengine Ark (火山方舟): chat, bots, embeddings."""
