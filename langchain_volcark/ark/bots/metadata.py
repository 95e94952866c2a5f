"""The `metadata` of a bot request: made right, or refused before the wire.

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
    """Make the `bot_metadata` of a `ChatArkBot`.

    Args:
        user_info: Where the user is, `{"city": …, "district": …}`; or the JSON of that.
        emit_intention_signal_extra: Whether a stream says when the bot begins to search.
        group_chat_config: The cast of a group chat; see `group_chat_config`.
        target_character_name: Who of the cast speaks now.
        **others: Keys that the service may learn; sent as they are.

    Returns:
        The dict as the service wants it.

    Raises:
        ValueError: Names the key and what it must be.

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
    """Make the cast of a group chat.

    Args:
        characters: The characters as the API has them; or name → (system prompt, endpoint id).
        description: The scene: subject, time, place, whom the user plays.
        user_name: Whom the user plays; the service's default is `用户`.

    Returns:
        The value of the key of the same name.

    Raises:
        ValueError: A character lacks a field, or two have one name.

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
    _check_cast(config)
    return cast("GroupChatConfig", config)


def merge(*layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay metadata over metadata, key by key; so too inside `user_info`.

    Args:
        *layers: From the weakest to the strongest; None in a layer takes a key away.

    Returns:
        The metadata, as yet unchecked.
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
    """Write metadata as the service wants it.

    Args:
        metadata: Also with `user_info` as a dict, and the intention switch as a bool.

    Returns:
        A dict of its own, without the keys that are None.

    Raises:
        ValueError: Names the key and what it must be.
    """
    written = {key: value for key, value in metadata.items() if value is not None}
    if "user_info" in written:
        written["user_info"] = _write_user(written["user_info"])
    if "emit_intention_signal_extra" in written:
        written["emit_intention_signal_extra"] = _write_switch(written["emit_intention_signal_extra"])
    names = _check_cast(written["group_chat_config"]) if "group_chat_config" in written else None
    target = written.get("target_character_name")
    if target is not None and not (isinstance(target, str) and target):
        raise ValueError(f"target_character_name must be a character's name, not {target!r}.")
    # Without a cast in the request the bot has its own, which only the service knows.
    if target is not None and names is not None and target not in names:
        raise ValueError(f"target_character_name is {target!r}, but the characters are {names}.")
    return written


def check_user_info(value: Any) -> Any:
    """Refuse what is no user; its fields may be completed by a call's own.

    Raises:
        ValueError: It is neither a dictionary nor the JSON of one. It is not shown: it says where somebody is.
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


def _check_cast(config: Any) -> list[str]:
    """Refuse a cast that the service would refuse; returns the characters' names."""
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
