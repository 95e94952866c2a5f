"""A real model behind the services' wire formats: any server that speaks OpenAI's.

https://platform.openai.com/docs/api-reference/chat is the form in which it is asked; Ollama, vLLM and llama.cpp
understand it, each with some words of its own.
"""
