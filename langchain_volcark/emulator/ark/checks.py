"""Checks of single values, for all the rules."""

from __future__ import annotations

from typing import Any

from langchain_volcark.emulator.ark.errors import invalid


def check_number(
    owner: dict[str, Any], name: str, low: float, high: float, *, whole: bool = False, path: str = ""
) -> None:
    """Refuse a number outside a range, or what is not a number at all; an absent one is fine.

    Args:
        owner: The object that has it.
        name: The field.
        low: The least value allowed.
        high: The greatest value allowed.
        whole: Whether it must be an integer.
        path: Where the object stands in the request, with the dot that the field's name follows.
    """
    value = owner.get(name)
    if value is None:
        return
    # To Python a bool is an int.
    if not isinstance(value, int if whole else int | float) or isinstance(value, bool):
        raise invalid(path + name, f"expected {'an integer' if whole else 'a number'}, got {value!r}")
    if not low <= value <= high:
        raise invalid(path + name, f"expected a value between {low} and {high}, got {value}")


def check_bool(owner: dict[str, Any], name: str, path: str = "") -> None:
    """Refuse what is neither true nor false; an absent one is fine."""
    if not isinstance(owner.get(name), bool | None):
        raise invalid(path + name, "expected a boolean")


def check_choice(owner: dict[str, Any], name: str, allowed: tuple[str, ...]) -> None:
    """Refuse a value outside a list; an absent one is fine."""
    if owner.get(name) is not None and owner[name] not in allowed:
        raise invalid(name, f"expected one of {list(allowed)}, got {owner[name]!r}")


def check_fields(owner: Any, allowed: frozenset[str], path: str) -> None:
    """Refuse what is not an object, or has a field that is not known (and not null)."""
    if not isinstance(owner, dict):
        raise invalid(path, "expected an object")
    for name, value in owner.items():
        if name not in allowed and value is not None:
            raise invalid(f"{path}.{name}", f'unknown field "{name}"')
