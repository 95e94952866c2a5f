"""`volcark emulator`, and the emulator of `volcark chat --emulator`: the one place that may start it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_volcark.cli.services import ServiceName
    from langchain_volcark.emulator import Emulator


class EmulatorMissingError(Exception):
    """What the emulator needs is not installed; the text says what to install."""


def run(arguments: list[str]) -> int:
    """Run the emulator until Ctrl-C, as `python -m langchain_volcark.emulator` does.

    Args:
        arguments: Its own arguments.

    Returns:
        The exit status.

    Raises:
        EmulatorMissingError: The extra is not installed.
    """
    try:
        from langchain_volcark.emulator.__main__ import main
    except ImportError as error:
        raise EmulatorMissingError(str(error)) from error
    return main(arguments, prog="volcark emulator")


def start() -> Emulator:
    """Start an emulator in this process; the caller stops it.

    Raises:
        EmulatorMissingError: The extra is not installed.
    """
    try:
        from langchain_volcark.emulator import Emulator
    except ImportError as error:
        raise EmulatorMissingError(str(error)) from error
    return Emulator().start()


def arguments_for(server: Emulator, service: ServiceName) -> dict[str, Any]:
    """What a service's chat class needs to talk to an emulator."""
    if service == "qianfan":
        return {"base_url": server.qianfan_base_url, "api_key": server.qianfan_api_key}
    if service == "knowledge":
        return {
            "base_url": server.knowledge_base_url,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
    return {"base_url": server.ark_base_url, "api_key": server.api_key}
