"""Creates, merges and validates the `metadata` of a bot request.

Follows https://www.volcengine.com/docs/82379/1526787.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_volcark.ark.bots.types import BotMetadata, Character, GroupChatConfig, UserInfo

_USER_FIELDS = ("city", "district")


def bot_metadata(
    *,
    user_info: UserInfo | str | None = None,
    emit_intention_signal_extra: bool | None = None,
    group_chat_config: GroupChatConfig | None = None,
    target_character_name: str | None = None,
    **others: Any,
) -> BotMetadata:
    """Create the `bot_metadata` of a `ChatArkBot`.

    Args:
        user_info: The user's location, `{"city": …, "district": …}`, or its JSON.
        emit_intention_signal_extra: Whether a stream signals that the bot starts a search.
        group_chat_config: The characters of a group chat; see `group_chat_config`.
        target_character_name: The character that answers.
        **others: Further keys, sent unchanged.

    Returns:
        The metadata in the service's form.

    Raises:
        ValueError: A value is invalid; the text has the key and what it must be.

    Example:
        ```python
        bot.invoke("今天天气如何?", bot_metadata=bot_metadata(user_info={"city": "杭州", "district": "西湖区"}))
        ```
    """
    known = {
        "user_info": user_info,
        "emit_intention_signal_extra": emit_intention_signal_extra,
        "group_chat_config": group_chat_config,
        "target_character_name": target_character_name,
    }
    return cast("BotMetadata", to_wire({**known, **others}))


def group_chat_config(
    characters: Sequence[Character] | Mapping[str, tuple[str, str]],
    *,
    description: str | None = None,
    user_name: str | None = None,
) -> GroupChatConfig:
    """Create the `group_chat_config` of a bot's metadata.

    Args:
        characters: The characters in the API's form; or name → (system prompt, endpoint id).
        description: The scene: subject, time, place, the user's role.
        user_name: The name of the user's role; the service's default is `用户`.

    Returns:
        The value for the key `group_chat_config`.

    Raises:
        ValueError: A character lacks a field, or two have the same name.

    Example:
        ```python
        cast = group_chat_config({"Wukong": ("You are the Monkey King.", "ep-20250101000000-abcde")})
        ```
    """
    if isinstance(characters, Mapping):
        listed: list[Any] = [
            {"name": name, "system_prompt": prompt, "model_desc": {"endpoint_id": endpoint}}
            for name, (prompt, endpoint) in characters.items()
        ]
    else:
        listed = list(characters)
    options = {"description": description, "user_name": user_name}
    config = {"characters": listed, **{name: value for name, value in options.items() if value is not None}}
    _check_group_chat(config)
    return cast("GroupChatConfig", config)


def merge(*layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge metadata by key, and the keys inside `user_info`.

    Args:
        *layers: In increasing precedence; a None value removes the key.

    Returns:
        The merged metadata, not validated.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in (layer or {}).items():
            below = merged.get(key)
            if key == "user_info" and isinstance(value, Mapping) and below is not None:
                merged[key] = {**_read_user(below), **value}
            else:
                merged[key] = value
    return {key: value for key, value in merged.items() if value is not None}


def to_wire(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Validate metadata and convert it to the service's form.

    Args:
        metadata: The metadata; `user_info` may be a dict, `emit_intention_signal_extra` a bool.

    Returns:
        A new dict, without None values.

    Raises:
        ValueError: A value is invalid; the text has the key and what it must be.
    """
    written = {key: value for key, value in metadata.items() if value is not None}
    if "user_info" in written:
        written["user_info"] = _write_user(written["user_info"])
    if "emit_intention_signal_extra" in written:
        written["emit_intention_signal_extra"] = _write_switch(written["emit_intention_signal_extra"])
    names = _check_group_chat(written["group_chat_config"]) if "group_chat_config" in written else None
    target = written.get("target_character_name")
    if target is not None and not (isinstance(target, str) and target):
        raise ValueError(f"target_character_name must be a character's name, not {target!r}.")
    # Without group_chat_config in the request the characters are the bot's own, which only the service knows.
    if target is not None and names is not None and target not in names:
        raise ValueError(f"target_character_name is {target!r}, but the characters are {names}.")
    return written


def check_user_info(value: Any) -> Any:
    """Validate the type of `user_info`; it may be incomplete, because a call may complete it.

    Raises:
        ValueError: It is neither a dictionary nor JSON of one. The text does not show it, as it is a location.
    """
    _read_user(value)
    return value


def _write_user(value: Any) -> str:
    user = _read_user(value)
    for name in _USER_FIELDS:
        if not (isinstance(user.get(name), str) and user[name].strip()):
            raise ValueError(f"user_info needs {' and '.join(_USER_FIELDS)}; {name} is missing or empty.")
    return value if isinstance(value, str) else json.dumps(user, ensure_ascii=False)


def _read_user(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    try:
        read = json.loads(value)
    except (TypeError, ValueError):
        read = None
    if isinstance(read, dict):
        return read
    raise ValueError('user_info must be {"city": …, "district": …}, or the JSON of that.')


def _write_switch(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value in ("true", "false"):
        return str(value)
    raise ValueError(f'emit_intention_signal_extra must be True, False, "true" or "false", not {value!r}.')


def _check_group_chat(config: Any) -> list[str]:
    """Validate `group_chat_config`; returns the characters' names."""
    characters = config.get("characters") if isinstance(config, Mapping) else None
    if not isinstance(characters, (list, tuple)) or not characters:
        raise ValueError("group_chat_config needs characters: a list with at least one.")
    names = [_check_character(character, position) for position, character in enumerate(characters)]
    if len(set(names)) != len(names):
        raise ValueError(f"group_chat_config.characters: the names must differ, but they are {names}.")
    return names


def _check_character(character: Any, position: int) -> str:
    where = f"group_chat_config.characters[{position}]"
    character = character if isinstance(character, Mapping) else {}
    model = character.get("model_desc")
    required = {
        "name": character.get("name"),
        "system_prompt": character.get("system_prompt"),
        "model_desc.endpoint_id": model.get("endpoint_id") if isinstance(model, Mapping) else None,
    }
    for name, value in required.items():
        if not (isinstance(value, str) and value):
            raise ValueError(f"{where}.{name} is missing or no text.")
    return str(required["name"])
