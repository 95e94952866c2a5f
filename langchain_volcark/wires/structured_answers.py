"""Output parsers for structured output: strict for a complete answer, lenient for partial results of a stream.

langchain-core's parsers return None where the model called no tool, and close brackets that the model left open:
they read `{"amount": 12`, cut off at the token limit, as a complete answer. Here both are errors.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core import exceptions
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables import Runnable
from langchain_core.runnables.utils import AddableDict
from langchain_core.utils.json import parse_json_markdown
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_core.messages import InvalidToolCall
    from langchain_core.outputs import Generation
    from langchain_core.runnables import RunnableConfig

_EARLY_ENDS = {
    "length": (
        'The answer was cut off at the token limit (finish_reason "length"): raise max_tokens or '
        "max_completion_tokens, or ask for less."
    ),
    "content_filter": 'The service\'s content filter stopped the answer (finish_reason "content_filter").',
}
_DECODER = json.JSONDecoder(strict=False)
_FENCE = "```"


class StructuredAnswerParser(BaseCumulativeTransformOutputParser[Any]):
    """Parses the answer of a model with structured output.

    Attributes:
        tool_name: The tool whose call holds the answer; None where the text does.
        answer_class: The pydantic class to instantiate; None for plain data.
        wants_object: Whether plain data must be an object.
        required: Names of the properties that the schema requires.
        advice: Text for the error where the model called no tool.
    """

    tool_name: str | None = None
    answer_class: Any = None
    wants_object: bool = True
    required: tuple[str, ...] = ()
    advice: str = ""

    @property
    @override
    def OutputType(self) -> Any:
        return self.answer_class or (dict[str, Any] if self.wants_object else Any)

    @property
    def _type(self) -> str:
        return "volcark_structured_answer"

    @override
    def parse(self, text: str) -> Any:
        return self.read_text(text)

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse the answer.

        Args:
            result: The model's generations; the first is parsed.
            partial: Whether more may follow: then the result is None where nothing can be parsed yet.

        Returns:
            An instance of the class, or plain data.

        Raises:
            OutputParserException: The answer does not have the requested form; `llm_output` holds it as the model
                wrote it.
            ModelRefusalError: The service's filter removed the answer or cut it off (langchain-core 1.7.5).
        """
        first = result[0]
        if isinstance(first, ChatGeneration):
            return self.read_so_far(first.message) if partial else self.read(first.message)
        return self.read_so_far(AIMessage(first.text)) if partial else self.read_text(first.text)

    def read(self, message: BaseMessage) -> Any:
        """Parse a complete answer; raises the errors of `parse_result`."""
        finish_reason = message.response_metadata.get("finish_reason")
        _raise_refusal(message)
        try:
            if self.tool_name is None:
                return self._check(*_read_json(str(message.text), message, is_cut=finish_reason == "length"))
            return self._check(*self._read_call(message))
        except OutputParserException as error:
            why = _EARLY_ENDS.get(str(finish_reason))
            if why is None:
                raise
            raise _parser_error(f"{why} {error.observation}", error.llm_output or "") from error

    def read_text(self, text: str) -> Any:
        """Parse a text without a message: JSON, or the arguments of a call."""
        return self._check(*_read_json(text, AIMessage(text), is_cut=False))

    def read_so_far(self, message: BaseMessage) -> Any:
        """Parse an incomplete answer leniently; None where nothing can be parsed yet."""
        if self.tool_name is not None:
            calls = message.tool_calls if isinstance(message, AIMessage) else []
            value: Any = next((call["args"] for call in calls if call["name"] == self.tool_name), None)
        else:
            try:
                value = parse_json_markdown(str(message.text).strip())
            except (ValueError, RecursionError):
                return None
        try:
            return None if value is None else self._check(value, "")
        except OutputParserException:
            return None

    def _read_call(self, message: BaseMessage) -> tuple[Any, str]:
        """The arguments of the tool's call, and their text."""
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        invalid = message.invalid_tool_calls if isinstance(message, AIMessage) else []
        for call in calls:
            if call["name"] == self.tool_name:
                return call["args"], json.dumps(call["args"], ensure_ascii=False)
        for broken in invalid:
            if broken.get("name") in (self.tool_name, None, ""):
                raise _parser_error(_describe_invalid(broken, str(self.tool_name)), broken.get("args") or "")
        others = [repr(call["name"]) for call in (*calls, *invalid)]
        if others:
            raise _parser_error(
                f"The model called {', '.join(others)}, not {self.tool_name!r}.", str(message.text)
            )
        text = str(message.text)
        if not text.strip():
            raise _parser_error(
                f"The answer is empty: no text, and no call of {self.tool_name!r}. {self.advice}", text
            )
        raise _parser_error(f"The model answered in text and did not call {self.tool_name!r}. {self.advice}", text)

    def _check(self, value: Any, text: str) -> Any:
        if self.answer_class is not None:
            return self._instance(value, text)
        if value is None or (self.wants_object and not isinstance(value, dict)):
            raise _parser_error(f"The answer is JSON, but {_kind(value)} instead of an object.", text)
        if value == {} and self.required:
            raise _parser_error(
                f"The answer is an empty object; the schema requires {', '.join(self.required)}.", text
            )
        return value

    def _instance(self, value: Any, text: str) -> Any:
        make = getattr(self.answer_class, "model_validate", None) or self.answer_class.parse_obj
        try:
            return make(value)
        except ValueError as error:
            raise _parser_error(
                f"The answer does not match {self.answer_class.__name__}: {error}", text
            ) from error

    @override
    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        state = _Streamed(self)
        for chunk in input:
            yield from state.add(chunk)
        yield from state.end()

    @override
    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        state = _Streamed(self)
        async for chunk in input:
            for value in state.add(chunk):
                yield value
        for value in state.end():
            yield value


class _Streamed:
    """Parses a streamed answer: yields a value whenever it changed, and the strictly parsed one at the end."""

    def __init__(self, parser: StructuredAnswerParser) -> None:
        self._parser = parser
        self._message: BaseMessage | None = None
        self._shown: Any = None

    def add(self, chunk: str | BaseMessage) -> list[Any]:
        self._message = add_chunk(self._message, chunk)
        value = self._parser.read_so_far(self._message)
        return [] if value is None else self._if_changed(value)

    def end(self) -> list[Any]:
        return self._if_changed(self._parser.read(self._message or AIMessage("")))

    def _if_changed(self, value: Any) -> list[Any]:
        if value == self._shown:
            return []
        self._shown = value
        return [value]


class RawAnswerReader(Runnable[dict[str, Any], dict[str, Any]]):
    """Adds `parsed` and `parsing_error` to a dict with the message in `raw` (for `include_raw=True`)."""

    def __init__(self, parser: StructuredAnswerParser) -> None:
        """Use this parser."""
        self._parser = parser

    def _read(self, message: BaseMessage) -> dict[str, Any]:
        try:
            return {"parsed": self._parser.read(message), "parsing_error": None}
        except Exception as error:  # noqa: BLE001 - a validator of the user's class may raise anything
            return {"parsed": None, "parsing_error": error}

    def _add_parsed(self, part: dict[str, Any]) -> dict[str, Any]:
        return {**part, **self._read(part["raw"])}

    async def _aadd_parsed(self, part: dict[str, Any]) -> dict[str, Any]:
        return self._add_parsed(part)

    @override
    def invoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        return self._call_with_config(self._add_parsed, input, config, run_type="parser")

    @override
    async def ainvoke(
        self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        return await self._acall_with_config(self._aadd_parsed, input, config, run_type="parser")

    def _parts(self, parts: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        message: BaseMessage | None = None
        for part in parts:
            message = add_chunk(message, part["raw"])
            yield AddableDict(part)
        yield AddableDict(self._read(message or AIMessage("")))

    async def _aparts(self, parts: AsyncIterator[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        message: BaseMessage | None = None
        async for part in parts:
            message = add_chunk(message, part["raw"])
            yield AddableDict(part)
        yield AddableDict(self._read(message or AIMessage("")))

    @override
    def transform(
        self, input: Iterator[dict[str, Any]], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[dict[str, Any]]:
        yield from self._transform_stream_with_config(input, self._parts, config, run_type="parser")

    @override
    async def atransform(
        self, input: AsyncIterator[dict[str, Any]], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[dict[str, Any]]:
        async for part in self._atransform_stream_with_config(input, self._aparts, config, run_type="parser"):
            yield part

    @override
    def stream(
        self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[dict[str, Any]]:
        return self.transform(iter([input]), config, **kwargs)


def add_chunk(message: BaseMessage | None, chunk: str | BaseMessage) -> BaseMessage:
    """Add a chunk to the message so far; the complete message of a model that does not stream replaces it."""
    new: BaseMessage = AIMessageChunk(content=chunk) if isinstance(chunk, str) else chunk
    if message is None or not isinstance(message, AIMessageChunk):
        return new
    return message + new


def _parser_error(text: str, answer: str) -> OutputParserException:
    text = text.strip()
    return OutputParserException(text, observation=text, llm_output=answer)


def _raise_refusal(message: BaseMessage) -> None:
    """Raise core's `ModelRefusalError` where the message has a refusal block, same as core's parsers."""
    refused = getattr(exceptions, "ModelRefusalError", None)  # since langchain-core 1.7.5
    if refused is None:
        return
    for block in message.content_blocks:
        if block["type"] == "refusal":
            raise refused.from_refusal(block, raw_message=message)


def _describe_invalid(call: InvalidToolCall, name: str) -> str:
    """What is wrong with a call; sums of chunks have no `error`, so its parts are looked at."""
    if not call.get("name"):
        return f"The model made a call without a name, where one of {name!r} was due."
    text = call.get("args") or ""
    if not text.strip():
        return f"The arguments of the call of {name!r} are missing."
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return f"The arguments of the call of {name!r} are not complete JSON."
    return f"The arguments of the call of {name!r} are {_kind(value)} instead of an object."


def _read_json(text: str, message: BaseMessage, *, is_cut: bool) -> tuple[Any, str]:
    """The only JSON value of a text, with or without a Markdown fence around it; and the text."""
    start = text.strip().removeprefix("\ufeff")
    if not start:
        called = [repr(call["name"]) for call in message.tool_calls] if isinstance(message, AIMessage) else []
        raise _parser_error(f"The model called {', '.join(called)}." if called else "The answer is empty.", text)
    try:
        value, end = _DECODER.raw_decode(start)
        rest = start[end:].strip()
    except (ValueError, RecursionError) as error:
        value, rest = _read_fenced(start, text, error)
    if rest:
        raise _parser_error(f"The answer goes on after its JSON: {rest[:80]!r}.", text)
    if is_cut and not isinstance(value, (dict, list)):
        # The beginning of a number is a valid number, so a cut cannot be recognised.
        raise _parser_error("Whether the answer is complete cannot be seen.", text)
    return value, text


def _read_fenced(start: str, text: str, error: Exception) -> tuple[Any, str]:
    """The JSON value inside a Markdown fence, and the text after it, which should be empty."""
    before, fence, inside = start.partition(_FENCE)
    if fence:
        inside = inside.removeprefix("json").removeprefix("JSON").lstrip()
        try:
            value, end = _DECODER.raw_decode(inside)
        except (ValueError, RecursionError) as inner:
            raise _parser_error(f"The answer is not complete JSON: {inner}.", text) from inner
        after, _, more = inside[end:].strip().partition(_FENCE)
        return value, after.strip() or (more.strip() if _FENCE in more else "")
    what = "is not complete JSON" if before[:1] in '{["' else "is a text, not JSON"
    raise _parser_error(f"The answer {what}: {error}.", text) from error


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
