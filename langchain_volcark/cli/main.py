"""Entry point and arguments of `volcark` and `python -m langchain_volcark`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from langchain_volcark._version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_SERVICES = ("ark", "qianfan", "knowledge")
_DOCTOR = """
exit status: 0 nothing is wrong (warnings are possible), 1 something is wrong, 2 wrong command line.
Keys are read from the environment and never printed. One short answer of a model is billed.
"""
_CHAT = """
The answer (and its sources, with --search) is written to standard output, reasoning and usage to standard error.
Without a question, each line of standard input is one turn; /reset forgets the conversation, /quit ends, Ctrl-C
stops an answer.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Command line arguments without the program name; default is `sys.argv`.

    Returns:
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["emulator"]:
        # The emulator has its own argument parser.
        return _emulator(given[1:])
    parser = _parser()
    options = parser.parse_args(given)
    if options.command is None:
        parser.print_help()
        return 2
    try:
        # Imported here, so that each command loads only what it needs.
        if options.command == "doctor":
            from langchain_volcark.cli.doctor import command as doctor

            return doctor.run(options)
        from langchain_volcark.cli import chat

        return chat.run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has exited (`| head`); prevents a second error when output is flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def run() -> None:
    """Entry point of the console script."""
    sys.exit(main())


def _emulator(arguments: list[str]) -> int:
    from langchain_volcark.cli import emulator

    try:
        return emulator.run(arguments)
    except emulator.EmulatorMissingError as error:
        sys.stderr.write(f"volcark: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="volcark", description="Check a set-up, talk to a model, run the local emulator."
    )
    parser.add_argument("--version", action="version", version=f"langchain-volcark {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    _add_doctor(commands)
    _add_chat(commands)
    # Only for the list of commands: `main` handles the arguments.
    commands.add_parser("emulator", help="run a local server with the services' APIs", add_help=False)
    return parser


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="find out why calls fail: variables, key, network, model",
        epilog=_DOCTOR,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    doctor.add_argument(
        "--service", choices=(*_SERVICES, "all"), help="service to check (default: those whose variables are set)"
    )
    doctor.add_argument(
        "--search", action="store_true", help="Ark: also try web search, which is activated apart from the model"
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    _add_common(doctor)
    doctor.add_argument("--exchange-url", metavar="URL", help="URL that issues temporary keys for access keys")
    doctor.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="time limit of the model's answer (default: %(default)g); 10 for every other step",
    )


def _add_chat(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    chat = commands.add_parser(
        "chat",
        help="talk to a model",
        epilog=_CHAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chat.add_argument("question", nargs="?", help="a single question; without it, a conversation")
    chat.add_argument("--service", choices=_SERVICES, default="ark", help="service to use (default: %(default)s)")
    _add_common(chat)
    chat.add_argument("--system", metavar="TEXT", help="system message")
    chat.add_argument("--thinking", choices=("enabled", "disabled", "auto"), help="thinking mode")
    chat.add_argument(
        "--search", action="store_true", help="Ark: let the model search the web; prints its sources"
    )
    chat.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="read timeout (default: 600)")
    chat.add_argument("--emulator", action="store_true", help="use a local emulator, without a key")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="ID", help="model, endpoint (ep-…), bot (bot-…) or kb-service-… id")
    parser.add_argument(
        "--base-url", metavar="URL", help="API address (default: the variable's, else the service's)"
    )
    parser.add_argument("--region", metavar="NAME", help="region of signatures")
    parser.add_argument("--project", metavar="NAME", help="Ark: project of the model id, needed with access keys")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return seconds
