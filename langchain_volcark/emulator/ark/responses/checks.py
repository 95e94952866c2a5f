"""Strict checks of request fields: an unknown field is an error, with the message that the service gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Json = dict[str, Any]


# What stands in these fields is JSON of the caller's own, where null is a value.
_FREE = frozenset({"parameters", "schema", "input_schema", "doc_filter", "arguments"})


def without_nulls(value: Any) -> Any:
    """A body without its null fields, which the official SDKs send for everything their user did not set."""
    if isinstance(value, dict):
        return {
            name: inner if name in _FREE else without_nulls(inner)
            for name, inner in value.items()
            if inner is not None
        }
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def known_of_type(owner: Any, fields: Mapping[str, Collection[str]], path: str, type_path: str) -> Json:
    """An object with a known `type`, whose fields are all known.

    Args:
        owner: What was sent.
        fields: For each type the fields there are besides `type`.
        path: Where it stands in the request.
        type_path: How an error calls the place of a missing type.

    Raises:
        ArkError: It is no object, has no known type, or has another field.
    """
    if not isinstance(owner, dict):
        raise invalid(path, "expected an object")
    kind = owner.get("type")
    if kind is None:
        raise missing(type_path)
    if not isinstance(kind, str) or kind not in fields:
        raise invalid(f"{path}.type", f"unknown type: {kind}")
    return known(owner, frozenset({*fields[kind], "type"}), path)


def known(owner: Any, allowed: frozenset[str], path: str) -> Json:
    """An object whose fields are all known.

    Args:
        owner: What was sent.
        allowed: The fields there are.
        path: Where it stands in the request.

    Raises:
        ArkError: It is no object, or has another field.
    """
    if not isinstance(owner, dict):
        raise invalid(path, "expected an object")
    for name in owner:
        if name not in allowed:
            raise unknown_field(name)
    return owner


def unknown_field(name: str) -> ArkError:
    """A field that is not known."""
    return ArkError(400, "InvalidParameter", f'json: unknown field "{name}"')


def text_field(owner: Json, name: str, path: str = "", *, longest: int | None = None) -> None:
    """Refuse what is no string, or a longer one than allowed; an absent one is fine."""
    value = owner.get(name, "")
    if not isinstance(value, str):
        raise invalid(path + name, "expected a string")
    if longest is not None and len(value) > longest:
        raise invalid(path + name, f"at most {longest} characters are allowed")


def strings(value: Any, path: str) -> list[str]:
    """A list of strings.

    Raises:
        ArkError: It is none.
    """
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid(path, "expected a list of strings")
    return value
