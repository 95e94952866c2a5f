"""Uploaded files: the routes under `/files`, what is stored, and its use in chat and responses."""
