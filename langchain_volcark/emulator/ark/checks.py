"""Checks for single values, used by all validation modules."""

from __future__ import annotations

from typing import Any

from langchain_volcark.emulator.ark.errors import invalid


def check_number(
    owner: dict[str, Any], name: str, low: float, high: float, *, whole: bool = False, path: str = ""
) -> None:
    """Raise unless a field is absent or a number within a range.

    Args:
        owner: The object with the field.
        name: The field.
        low: Minimum.
        high: Maximum.
        whole: Whether it must be an integer.
        path: Path of the object in the request, ending with a dot.
    """
    value = owner.get(name)
    if value is None:
        return
    # bool is a subclass of int.
    if not isinstance(value, int if whole else int | float) or isinstance(value, bool):
        raise invalid(path + name, f"expected {'an integer' if whole else 'a number'}, got {value!r}")
    if not low <= value <= high:
        raise invalid(path + name, f"expected a value between {low} and {high}, got {value}")


def check_bool(owner: dict[str, Any], name: str, path: str = "") -> None:
    """Raise unless a field is absent or a boolean."""
    if not isinstance(owner.get(name), bool | None):
        raise invalid(path + name, "expected a boolean")


def check_choice(owner: dict[str, Any], name: str, allowed: tuple[str, ...]) -> None:
    """Raise unless a field is absent or one of the allowed values."""
    if owner.get(name) is not None and owner[name] not in allowed:
        raise invalid(name, f"expected one of {list(allowed)}, got {owner[name]!r}")


def check_fields(owner: Any, allowed: frozenset[str], path: str) -> None:
    """Raise unless a value is an object with known (or null) fields only."""
    if not isinstance(owner, dict):
        raise invalid(path, "expected an object")
    for name, value in owner.items():
        if name not in allowed and value is not None:
            raise invalid(f"{path}.{name}", f'unknown field "{name}"')
