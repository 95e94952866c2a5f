"""Batch inference: calls at half the price that may take hours, and go on until a deadline."""
