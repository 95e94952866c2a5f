"""Benchmarks of calls beside raw httpx, langchain-core alone and other integrations: `python -m benchmarks`."""
