"""Runs the emulator for `volcark emulator` and `volcark chat --emulator`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_volcark.cli.services import ServiceName
    from langchain_volcark.emulator import Emulator


class EmulatorMissingError(Exception):
    """The emulator's dependencies are not installed; the message says what to install."""


def run(arguments: list[str]) -> int:
    """Run the emulator until Ctrl-C, as `python -m langchain_volcark.emulator` does.

    Args:
        arguments: Arguments of the emulator.

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
    """Start an emulator in this process; the caller must stop it.

    Raises:
        EmulatorMissingError: The extra is not installed.
    """
    try:
        from langchain_volcark.emulator import Emulator
    except ImportError as error:
        raise EmulatorMissingError(str(error)) from error
    return Emulator().start()


def arguments_for(server: Emulator, service: ServiceName) -> dict[str, Any]:
    """Return the arguments of a service's chat class for an emulator."""
    if service == "qianfan":
        return {"base_url": server.qianfan_base_url, "api_key": server.qianfan_api_key}
    if service == "knowledge":
        return {
            "base_url": server.knowledge_base_url,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
    return {"base_url": server.ark_base_url, "api_key": server.api_key}
