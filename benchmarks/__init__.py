"""What a call costs beside raw httpx, langchain-core alone and other integrations: `python -m benchmarks`."""
