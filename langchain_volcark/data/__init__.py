"""Model profiles where LangChain's tools look for them."""
