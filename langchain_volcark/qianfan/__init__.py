"""Baidu Qianfan (百度智能云千帆): chat, embeddings, reranking; V2 and the retired V1."""
