"""Emulated Volcengine Ark: chat, bots, embeddings, models, tokenization, and temporary keys."""
