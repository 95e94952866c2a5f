"""`volcark chat`: one question, or a conversation line by line."""

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
from langchain_volcark.qianfan.profiles import find_family

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
        The exit status: 1 where an answer failed, 2 where the model cannot be called as asked for.
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
                f"say which model: --model ID, or {setup.service.model_variable}=ID; `volcark doctor` lists them"
            )
        try:
            model = build(setup, setup.model, **_thinking(setup, setup.model, options.thinking))
        except ValueError as error:
            return _refuse(Redactor(setup.environment).text(one_line(error)))
        conversation = Conversation(model, Redactor(setup.environment), _opening(options.system))
        if options.question is not None:
            return conversation.turn(options.question)
        if options.emulator:
            conversation.note("This is the emulator. It is no model: it answers by simple rules.")
        return _converse(conversation, sys.stdin)


def _opening(system: str | None) -> list[BaseMessage]:
    return [SystemMessage(system)] if system else []


def _thinking(setup: Setup, model: str, word: str | None) -> dict[str, Any]:
    """The argument that says whether to think, which at Qianfan has another name in some families."""
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
    """Take turns until the input ends."""
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
            conversation.note("Forgotten.")
        elif text.startswith("/"):
            conversation.note(_HELP)
        elif text:
            status = conversation.turn(text)
            worst = max(worst, 0 if status == _STOPPED else status)
    # Who sits before it has seen the errors; a script has not.
    return 0 if interactive else worst


def _lines(source: TextIO, *, interactive: bool) -> Iterator[str]:
    """The lines of the input; Ctrl-C while typing throws the line away."""
    if interactive:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - gives `input` its line editing
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
    """A model and what was said so far.

    Attributes:
        model: Who answers.
        redactor: Redacts secrets in errors.
        opening: What every conversation begins with.
        messages: What was said, the opening included.
    """

    model: HTTPChatModel
    redactor: Redactor
    opening: list[BaseMessage]
    messages: list[BaseMessage] = field(init=False)

    def __post_init__(self) -> None:
        self.reset()
        self._style = Style(sys.stderr)

    def reset(self) -> None:
        """Forget what was said."""
        self.messages = list(self.opening)

    def note(self, text: str) -> None:
        """Say something that is not the model's."""
        sys.stderr.write(self._style.paint(text, "dim") + "\n")
        sys.stderr.flush()

    def turn(self, question: str) -> int:
        """Ask, print the answer as it comes, and remember both; of a failure, neither.

        Args:
            question: The user's text.

        Returns:
            0, 1 for an answer that failed, 130 for one that was stopped.
        """
        asked = [*self.messages, HumanMessage(question)]
        printer = _Printer(self._style)
        try:
            # Closed at once when it is stopped, so that the service need not go on.
            with contextlib.closing(cast("Generator[AIMessageChunk]", self.model.stream(asked))) as answer:
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
        if message is not None and message.usage_metadata:
            self.note(usage_line(message.usage_metadata))
        return 0

    def _remember(self, asked: list[BaseMessage], printer: _Printer) -> None:
        message = printer.message
        # A stopped answer that had no text yet would be an empty message, which services refuse.
        if message is not None and message.text:
            additional = {
                name: value for name, value in message.additional_kwargs.items() if isinstance(value, str)
            }
            self.messages = [*asked, AIMessage(message.content, additional_kwargs=additional)]


class _Printer:
    """Writes an answer as it comes: its text to the standard output, thinking to the standard error."""

    def __init__(self, style: Style) -> None:
        self._chunks: list[AIMessageChunk] = []
        self._style = style
        self._thinking = False
        self._at_line_start = True

    @property
    def message(self) -> AIMessageChunk | None:
        """What was read so far."""
        return self._chunks[0] + self._chunks[1:] if self._chunks else None

    def add(self, chunk: AIMessageChunk) -> None:
        # Before it is printed: an answer that is stopped meanwhile is remembered as far as it was read.
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
    """The tokens of an answer on one line."""
    said = f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
    details = {
        "cached": (usage.get("input_token_details") or {}).get("cache_read"),
        "thinking": (usage.get("output_token_details") or {}).get("reasoning"),
    }
    extra = ", ".join(f"{count} {name}" for name, count in details.items() if count)
    return f"{said} ({extra})" if extra else said
