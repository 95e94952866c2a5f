"""`volcark chat`: answers one question, or holds a conversation on standard input."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage

from langchain_volcark.cli import emulator
from langchain_volcark.cli.services import EMULATED_MODELS, SERVICES, Setup, build
from langchain_volcark.cli.terminal import Redactor, Style, one_line, tolerate
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.hosted_tools import web_search
from langchain_volcark.qianfan.profiles import find_family
from langchain_volcark.references import References

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator, Iterator

    from langchain_core.messages.ai import UsageMetadata

    from langchain_volcark.base.chat_model import HTTPChatModel

_HELP = "/reset forgets the conversation, /quit ends; Ctrl-C stops an answer."
_STOPPED = 130


def run(options: argparse.Namespace) -> int:
    """Answer one question, or hold a conversation.

    Args:
        options: The command's arguments.

    Returns:
        The exit status: 1 if an answer failed, 2 if the arguments are invalid.
    """
    tolerate(sys.stdout, sys.stderr)
    setup = Setup(
        SERVICES[options.service],
        base=options.base_url,
        chosen_model=options.model,
        region=options.region,
        project=options.project,
        timeout=options.timeout,
    )
    with contextlib.ExitStack() as stack:
        if options.emulator:
            try:
                server = emulator.start()
            except (emulator.EmulatorMissingError, OSError) as error:
                return _refuse(str(error))
            stack.callback(server.stop)
            chosen = options.model or EMULATED_MODELS[setup.service.name]
            arguments = emulator.arguments_for(server, setup.service.name)
            setup = Setup(setup.service, chosen_model=chosen, timeout=options.timeout, arguments=arguments)
        if setup.model is None:
            return _refuse(
                f"no model is set: use --model ID, or {setup.service.model_variable}=ID; see `volcark doctor`"
            )
        try:
            model = build(setup, setup.model, **_thinking(setup, setup.model, options.thinking))
        except ValueError as error:
            return _refuse(Redactor(setup.environment).text(one_line(error)))
        search: dict[str, Any] = {}
        if options.search:
            if setup.service.name != "ark" or setup.model.startswith("bot-"):
                return _refuse("--search needs a model or endpoint of Ark.")
            # The history is sent each time, so nothing needs to be stored.
            search = {"tools": [web_search()], "store": False}
        conversation = Conversation(model, Redactor(setup.environment), _opening(options.system), search)
        if options.question is not None:
            return conversation.turn(options.question)
        if options.emulator:
            conversation.note("This is the emulator. It is not a model: it answers by simple rules.")
        return _converse(conversation, sys.stdin)


def _opening(system: str | None) -> list[BaseMessage]:
    return [SystemMessage(system)] if system else []


def _thinking(setup: Setup, model: str, word: str | None) -> dict[str, Any]:
    """Return the thinking argument, which has another name for some model families of Qianfan."""
    if word is None:
        return {}
    if setup.service.name == "qianfan":
        family = find_family(model)
        if family is not None and family.switch == "enable_thinking":
            return {"enable_thinking": word != "disabled"}
    return {"thinking": word}


def _refuse(problem: str) -> int:
    sys.stderr.write(f"volcark: {problem}\n")
    return 2


def _converse(conversation: Conversation, source: TextIO) -> int:
    """Answer each line until the input ends."""
    interactive = source.isatty()
    if interactive:
        conversation.note(_HELP)
    worst = 0
    for line in _lines(source, interactive=interactive):
        text = line.strip()
        if text in ("/quit", "/exit"):
            break
        if text == "/reset":
            conversation.reset()
            conversation.note("The conversation was reset.")
        elif text.startswith("/"):
            conversation.note(_HELP)
        elif text:
            status = conversation.turn(text)
            worst = max(worst, 0 if status == _STOPPED else status)
    # Interactive users have seen the errors; scripts need the exit status.
    return 0 if interactive else worst


def _lines(source: TextIO, *, interactive: bool) -> Iterator[str]:
    """Yield the lines of the input; Ctrl-C while typing discards the line."""
    if interactive:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - enables line editing in `input`
    while True:
        try:
            line = input("> ") + "\n" if interactive else source.readline()
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            continue
        except EOFError:
            sys.stderr.write("\n")
            return
        if not line:
            return
        yield line


@dataclass
class Conversation:
    """A conversation with a model.

    Attributes:
        model: The model.
        redactor: Redacts secrets in errors.
        opening: Messages at the beginning of the conversation.
        search: Arguments of each call that let the model search the web; empty without a search.
        messages: All messages so far, including the opening.
    """

    model: HTTPChatModel
    redactor: Redactor
    opening: list[BaseMessage]
    search: dict[str, Any]
    messages: list[BaseMessage] = field(init=False)

    def __post_init__(self) -> None:
        self.reset()
        self._style = Style(sys.stderr)

    def reset(self) -> None:
        """Start the conversation again."""
        self.messages = list(self.opening)

    def note(self, text: str) -> None:
        """Print a note to standard error."""
        sys.stderr.write(self._style.paint(text, "dim") + "\n")
        sys.stderr.flush()

    def turn(self, question: str) -> int:
        """Ask a question and print the streamed answer; both are kept unless the call fails.

        Args:
            question: The user's text.

        Returns:
            0 for success, 1 if the answer failed, 130 if it was stopped.
        """
        asked = [*self.messages, HumanMessage(question)]
        printer = _Printer(self._style)
        try:
            # Closed at once when stopped, so that the service stops generating.
            with contextlib.closing(
                cast("Generator[AIMessageChunk]", self.model.stream(asked, **self.search))
            ) as answer:
                for chunk in answer:
                    printer.add(chunk)
        except KeyboardInterrupt:
            printer.end()
            self.note("(stopped)")
            self._remember(asked, printer)
            return _STOPPED
        except (VolcArkError, ValueError) as error:
            printer.end()
            sys.stderr.write(self._style.paint(f"error: {self.redactor.text(one_line(error))}", "red") + "\n")
            return 1
        printer.end()
        self._remember(asked, printer)
        message = printer.message
        sources = References(message) if message is not None else ()
        if self.search and sources:
            sys.stdout.write(f"{sources}\n")
        if message is not None and message.usage_metadata:
            self.note(usage_line(message.usage_metadata))
        return 0

    def _remember(self, asked: list[BaseMessage], printer: _Printer) -> None:
        message = printer.message
        # A stopped answer without text would be an empty message, which services refuse.
        if message is not None and message.text:
            additional = {
                name: value for name, value in message.additional_kwargs.items() if isinstance(value, str)
            }
            self.messages = [*asked, AIMessage(message.content, additional_kwargs=additional)]


class _Printer:
    """Prints a streamed answer: text to standard output, reasoning to standard error."""

    def __init__(self, style: Style) -> None:
        self._chunks: list[AIMessageChunk] = []
        self._style = style
        self._thinking = False
        self._at_line_start = True

    @property
    def message(self) -> AIMessageChunk | None:
        """The message received so far."""
        return self._chunks[0] + self._chunks[1:] if self._chunks else None

    def add(self, chunk: AIMessageChunk) -> None:
        # Added before printing, so that a stopped answer includes this chunk.
        self._chunks.append(chunk)
        reasoning = chunk.additional_kwargs.get("reasoning_content")
        if reasoning:
            self._thinking = True
            sys.stderr.write(self._style.paint(str(reasoning), "dim"))
            sys.stderr.flush()
        if chunk.text:
            if self._thinking:
                self._thinking = False
                sys.stderr.write("\n")
                sys.stderr.flush()
            sys.stdout.write(chunk.text)
            sys.stdout.flush()
            self._at_line_start = chunk.text.endswith("\n")

    def end(self) -> None:
        if self._thinking:
            sys.stderr.write("\n")
        if not self._at_line_start:
            sys.stdout.write("\n")
        sys.stdout.flush()


def usage_line(usage: UsageMetadata) -> str:
    """Format token usage on one line."""
    counts = f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
    details = {
        "cached": (usage.get("input_token_details") or {}).get("cache_read"),
        "thinking": (usage.get("output_token_details") or {}).get("reasoning"),
    }
    extra = ", ".join(f"{count} {name}" for name, count in details.items() if count)
    return f"{counts} ({extra})" if extra else counts
