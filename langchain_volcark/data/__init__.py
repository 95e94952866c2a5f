"""Model profiles, at the path where LangChain's tools expect them."""
