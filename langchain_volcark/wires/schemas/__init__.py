"""JSON schemas of tools and answers."""
