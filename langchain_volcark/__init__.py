"""LangChain integrations for Volcengine Ark, Baidu Qianfan and the VikingDB knowledge base.

The public names load on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_volcark._version import __version__

if TYPE_CHECKING:
    from langchain_volcark.ark.chat_models import ChatArk

_MODULES = {
    "ChatArk": "langchain_volcark.ark.chat_models",
}

__all__ = ["ChatArk", "__version__"]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
