"""Common setup of the examples: the real service if its variables are set, else the local emulator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

EMULATED_MODEL = "doubao-seed-2-1-pro-260915"


@dataclass
class Session:
    """The service that an example uses.

    Attributes:
        model: Model id or endpoint id.
        arguments: Additional arguments of `ChatArk`; none for the real service.
        server: The emulator, or None.
    """

    model: str
    arguments: dict[str, Any]
    server: Any = None


@contextmanager
def session() -> Iterator[Session]:
    """Choose the service and print which one."""
    model = os.environ.get("ARK_MODEL")
    if os.environ.get("ARK_API_KEY") and model:
        print(f"Talking to Volcengine Ark, model {model}.")
        yield Session(model, {})
        return
    from langchain_volcark.emulator import Emulator

    print("ARK_API_KEY and ARK_MODEL are not both set, so this talks to the emulator: a local server that")
    print("speaks Ark's wire format over real HTTP. It is not a model: it answers by simple rules.")
    with Emulator() as server:
        arguments = {"api_key": server.api_key, "base_url": server.ark_base_url}
        yield Session(EMULATED_MODEL, arguments, server)


def heading(text: str) -> None:
    """Print a section's title."""
    print(f"\n── {text} " + "─" * max(0, 76 - len(text)))
