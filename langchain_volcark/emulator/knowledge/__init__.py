"""Emulated VikingDB knowledge base."""
