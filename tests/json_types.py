"""Comparison of JSON values by type too: to Python `1 == 1.0 == True`, to a service these are three things."""

from __future__ import annotations

from typing import Any


def typed(value: Any) -> Any:
    """A value in which each number and boolean stands beside the name of its JSON type."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [typed(item) for item in value]
    return (type(value).__name__, value) if isinstance(value, (bool, int, float)) else value
