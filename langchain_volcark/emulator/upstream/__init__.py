"""Upstream mode: an OpenAI-compatible server with a real model writes the answers.

Requests follow https://platform.openai.com/docs/api-reference/chat, which Ollama, vLLM and llama.cpp support with
small differences.
"""
