"""Validation of request fields that several calls share."""

from __future__ import annotations

from typing import Any

from langchain_volcark.emulator.knowledge.errors import invalid

_ROLES = ("system", "user", "assistant")


def check_fields(body: dict[str, Any], known: frozenset[str], where: str = "") -> None:
    """Refuse unknown fields, so that mistakes of clients are noticed."""
    for name in body:
        if name not in known:
            raise invalid(f"unknown field {where}{name}")


def number(body: dict[str, Any], name: str, low: float, high: float, *, whole: bool = False) -> Any:
    """Return a number within its range, or None if absent."""
    value = body.get(name)
    if value is None:
        return None
    # bool is a subclass of int.
    if not isinstance(value, int if whole else (int, float)) or isinstance(value, bool):
        raise invalid(f"{name} must be {'an integer' if whole else 'a number'}")
    if not low <= value <= high:
        raise invalid(f"{name} must be between {low} and {high}")
    return value


def flag(body: dict[str, Any], name: str, *, default: bool = False) -> bool:
    """Return a boolean, or its default if absent."""
    value = body.get(name)
    if not isinstance(value, bool | None):
        raise invalid(f"{name} must be a boolean")
    return default if value is None else value


def part(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object, or an empty one if absent."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    return value


def messages_of(body: dict[str, Any], *, sees: bool) -> list[dict[str, Any]]:
    """Check and return the messages.

    Args:
        body: The object with `messages`.
        sees: Whether images are allowed.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages is required")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise invalid(f"messages: role must be one of {', '.join(_ROLES)}")
        check_fields(message, frozenset({"role", "content"}), "messages.")
        _check_content(message.get("content"), sees=sees)
    return messages


def _check_content(content: Any, *, sees: bool) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise invalid("messages: content must be a string or a list of parts")
    for one in content:
        kind = one.get("type") if isinstance(one, dict) else None
        if kind == "text" and isinstance(one.get("text"), str):
            continue
        image = one.get("image_url") if kind == "image_url" else None
        if not isinstance(image, dict) or not str(image.get("url", "")).startswith(("http", "data:image/")):
            raise invalid("messages: a part must be a text, or an image_url with a url")
        if not sees:
            raise invalid("the model does not take images")


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(one["text"] for one in content if one["type"] == "text")


def images_in(message: dict[str, Any]) -> int:
    """Count the images in a message."""
    content = message["content"]
    return 0 if isinstance(content, str) else sum(one["type"] == "image_url" for one in content)
