"""Registers this package's providers for `init_chat_model` and `init_embeddings`.

LangChain has a registry with the providers of its own packages
(https://docs.langchain.com/oss/python/langchain/models); `register` adds this package's.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    Entry = tuple[str, str, Callable[..., Any]]

_PACKAGE = "langchain_volcark"
_SINCE = "1.3"
_REGISTRY = "_BUILTIN_PROVIDERS"


def register(*, replace: bool = False) -> None:
    """Make `init_chat_model("volcengine:…")` and `init_embeddings("volcengine:…")` work.

    | provider | chat model | embeddings |
    |---|---|---|
    | `volcengine` | `ChatArk`; `ChatArkBot` for an id that begins with `bot-` | `ArkEmbeddings` |
    | `qianfan` | `ChatQianfan` | `QianfanEmbeddings` |
    | `vikingdb` | `ChatVikingKnowledge`; a packaged service for an id that begins with `kb-service-` | – |

    Call it once per process; further calls have no effect. Other providers are not changed. Everything that
    accepts a model by name (`create_agent`, middleware, configurable models) then accepts these names.

    Args:
        replace: Whether to replace another package's provider of the same name.

    Raises:
        ImportError: The package `langchain` is not installed.
        RuntimeError: The installed `langchain` has another kind of registry (before 1.3 it cannot be extended), or
            another package has registered one of the names. Nothing is registered then.

    Example:
        ```python
        from langchain.chat_models import init_chat_model

        from langchain_volcark import register

        register()
        model = init_chat_model("volcengine:doubao-seed-2-1-pro-260915", temperature=0)
        ```
    """
    chosen = [
        (_module("langchain.chat_models.base"), "_get_chat_model_creator", _CHAT_MODELS),
        (_module("langchain.embeddings.base"), "_get_embeddings_class_creator", _EMBEDDINGS),
    ]
    # Everything is checked before anything is registered.
    registries = [_registry(module, entries, replace=replace) for module, _, entries in chosen]
    for registry, (module, cached, entries) in zip(registries, chosen, strict=True):
        registry.update(entries)
        clear_cache = getattr(getattr(module, cached, None), "cache_clear", None)
        if clear_cache is not None:
            clear_cache()


def _module(name: str) -> ModuleType:
    try:
        importlib.import_module("langchain")  # first, to distinguish a missing package from a missing module
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not name.startswith(error.name or "?"):
            raise  # a dependency of langchain is missing
        if error.name != "langchain":
            raise RuntimeError(_unknown_form()) from error
        raise ImportError(
            f'register() needs the package langchain: pip install "langchain>={_SINCE}". Without it, construct '
            "ChatArk(model=…) directly.",
            name="langchain",
        ) from error


def _registry(module: ModuleType, entries: Mapping[str, Entry], *, replace: bool) -> dict[str, Entry]:
    """The module's registry, if it has the expected form and the names are free."""
    registry = getattr(module, _REGISTRY, None)
    if not isinstance(registry, dict) or not all(_is_entry(entry) for entry in registry.values()):
        raise RuntimeError(_unknown_form())
    for name, entry in entries.items():
        taken = registry.get(name, entry)
        if not replace and taken[0].partition(".")[0] != _PACKAGE:
            raise RuntimeError(
                f"{module.__name__} has a provider {name!r} already: {taken[0]}.{taken[1]}. "
                "register(replace=True) puts this package's in its place."
            )
    return registry


def _is_entry(entry: object) -> bool:
    """Whether an entry is a module, a class in it, and a function that creates an instance."""
    return (
        isinstance(entry, tuple)
        and len(entry) == 3
        and isinstance(entry[0], str)
        and isinstance(entry[1], str)
        and callable(entry[2])
    )


def _unknown_form() -> str:
    try:
        installed = version("langchain")
    except PackageNotFoundError:
        installed = "(of unknown version)"
    return (
        f"langchain {installed} keeps its providers in a way that register() does not know; {_SINCE} and later "
        f'can be added to: pip install "langchain>={_SINCE}". Or construct ChatArk(model=…) directly.'
    )


def _make(cls: Callable[..., Any], **arguments: Any) -> Any:
    return cls(**arguments)


def _make_ark(cls: Callable[..., Any], model: str, **arguments: Any) -> Any:
    if str(model).startswith("bot-"):
        from langchain_volcark.ark.bots.chat_models import ChatArkBot  # late, because most users need no bot

        return ChatArkBot(model=model, **arguments)
    return cls(model=model, **arguments)


def _make_knowledge(cls: Callable[..., Any], model: str, **arguments: Any) -> Any:
    name = "service_resource_id" if str(model).startswith("kb-service-") else "model"
    return cls(**{name: model}, **arguments)


_CHAT_MODELS: dict[str, Entry] = {
    "volcengine": (_PACKAGE, "ChatArk", _make_ark),
    "qianfan": (_PACKAGE, "ChatQianfan", _make),
    "vikingdb": (_PACKAGE, "ChatVikingKnowledge", _make_knowledge),
}
_EMBEDDINGS: dict[str, Entry] = {
    "volcengine": (_PACKAGE, "ArkEmbeddings", _make),
    "qianfan": (_PACKAGE, "QianfanEmbeddings", _make),
}
