"""Base class of all vendors' chat models: invoke, stream, protocol events and tracing over a wire format."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import AliasChoices, Field, model_validator
from typing_extensions import Self, override

from langchain_volcark._version import __version__
from langchain_volcark.base.call_values import CALL_TYPES, Call, check_call
from langchain_volcark.base.callbacks import LLMOutputChatModel, areport_tokens, report_tokens
from langchain_volcark.base.service import HTTPService, serialized_namespace
from langchain_volcark.base.tokens import TokenCounting, Vocabulary, vocabulary_of
from langchain_volcark.base.tool_binding import ToolBinding
from langchain_volcark.base.values import OptionalNumber, OptionalWhole, Stop, Switch
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.replies import Reply
from langchain_volcark.messages.chunks import ChunkRenderer, generation_info
from langchain_volcark.messages.events import EventRenderer
from langchain_volcark.wires.chat_completions.tool_results import as_standard_input
from langchain_volcark.wires.tools import without_credentials
from langchain_volcark.wires.wire import ModelCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    import httpx
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.language_models.base import LangSmithParams
    from langchain_core.messages import BaseMessage
    from langchain_core.prompt_values import PromptValue
    from langchain_protocol.protocol import MessagesData

    from langchain_volcark.http.stream import AsyncPayloadStream, PayloadStream
    from langchain_volcark.messages.assembler import StreamAssembler
    from langchain_volcark.messages.deltas import StreamDelta
    from langchain_volcark.wires.wire import StreamReader, Wire

_UNTRACED = frozenset({"extra_headers", "extra_query"})


class HTTPChatModel(TokenCounting, ToolBinding, LLMOutputChatModel, HTTPService):
    """Base of the package's chat models.

    A vendor's class chooses the wire format of a call (`_wire`); everything else is shared. A call never changes
    the object, so many threads, tasks and event loops can use it at once.
    """

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    """Model id or endpoint id; also per call as `model=`."""
    temperature: OptionalNumber = Field(default=None, ge=0)
    """Sampling temperature; sent only when set, 0 included."""
    top_p: OptionalNumber = Field(default=None, ge=0, le=1)
    """Nucleus sampling threshold, 0 to 1; sent only when set."""
    max_tokens: OptionalWhole = Field(default=None, ge=0)
    """Maximum length of the answer in tokens; sent only when set."""
    stop: Stop | None = None
    """Stop sequences; the `stop` argument of a call replaces them."""
    streaming: Switch = False
    """Whether `invoke` streams internally, for callbacks that show tokens."""
    stream_usage: Switch = True
    """Whether streams ask for their token usage."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, which override everything else."""
    provider: ClassVar[str]
    """`model_provider` in messages and `ls_provider` in traces."""
    body_fields: ClassVar[tuple[str, ...]] = ("temperature", "top_p", "max_tokens")
    """Fields of the model that are sent in the request body; a call may set them too."""
    call_fields: ClassVar[tuple[str, ...]] = ("model", "stop", "stream_usage")
    """Further fields of the model that a call may set."""
    call_types: ClassVar[Mapping[str, Any]] = CALL_TYPES
    """Types of arguments that a call accepts and the constructor does not, or in another form."""
    endpoint_paths: ClassVar[tuple[str, ...]] = ("/chat/completions",)
    shared_fields: ClassVar[tuple[str, ...]] = (*HTTPService.shared_fields, "callbacks", "cache")

    # --- defined by a vendor's class ----------------------------------------------------------------------

    @abstractmethod
    def _wire(self, call: ModelCall) -> Wire:
        """Choose the wire format of a call."""

    # --- construction -------------------------------------------------------------------------------------

    @model_validator(mode="after")
    def _set_volcark_version(self) -> Self:
        self._add_version("langchain-volcark", __version__)
        return self

    @property
    def model_name(self) -> str:
        """Same as `model`, by the name that other LangChain models use."""
        return self.model

    @property
    def _vocabulary(self) -> Vocabulary:
        return vocabulary_of(self.model_name)

    # --- requests -----------------------------------------------------------------------------------------

    @property
    def _default_params(self) -> dict[str, Any]:
        """The body fields that are set."""
        values = self.__dict__  # where pydantic keeps fields; asked for twice in each call
        fields = {name: value for name in self.body_fields if (value := values.get(name)) is not None}
        return {**fields, **self.model_kwargs}

    def _call(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, *, stream: bool, **kwargs: Any
    ) -> ModelCall:
        """Merge a call's arguments with the model's settings; `extra_body` overrides both."""
        call = Call(self._adjust_call(self._check_call({**kwargs, "stop": stop})))
        raw = {**self.extra_body, **call.extra_body}
        named = raw.get("model")
        model = named if isinstance(named, str) else call.model or self.model_name
        parameters = call.write({"model": model, **self._default_params}, stop=self.stop, raw=raw)
        self._finish_tools(parameters, raw)
        usage = self.stream_usage if call.stream_usage is None else call.stream_usage
        return ModelCall(
            messages, model, parameters, stream=stream, stream_usage=usage, raw=raw, **call.transport()
        )

    def _check_call(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Validate a call's arguments like the constructor's."""
        fields = {*self.body_fields, *self.call_fields}
        return check_call(type(self), values, fields=fields, types=self.call_types)

    def _adjust_call(self, values: dict[str, Any]) -> dict[str, Any]:
        """Convert or refuse a call's validated arguments where this service differs."""
        return values

    # --- replies ------------------------------------------------------------------------------------------

    def _new_assembler(self, wire: Wire, call: ModelCall, headers: httpx.Headers, payload: Any) -> StreamAssembler:
        return wire.new_assembler(call, self._errors.request_id(headers, payload))

    def _result(self, wire: Wire, call: ModelCall, reply: Reply) -> ChatResult:
        generations: list[ChatGeneration] = []
        answers = self._read_reply(reply, wire.read_reply)
        for deltas in answers or [()]:
            assembler = self._new_assembler(wire, call, reply.headers, reply.payload)
            for delta in deltas:
                assembler.add(delta)
            assembler.finish()
            if not wire.has_answer(assembler):
                raise self._format_error(reply, wire.no_answer(reply.payload))
            message = assembler.message()
            if generations:
                message.usage_metadata = None  # the first message has the usage of all choices
            info = generation_info(message.response_metadata)
            generations.append(ChatGeneration(message=message, generation_info=info))
        return ChatResult(generations=generations)

    @override
    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        """The input, with content converted where langchain-core's own processing would raise."""
        return as_standard_input(super()._convert_input(model_input))

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = self._call(messages, stop, **{**kwargs, "stream": False})
        wire = self._wire(call)
        reply = self._client.post(wire.request(call), self._hooks(run_manager, is_async=False))
        return self._result(wire, call, reply)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = self._call(messages, stop, **{**kwargs, "stream": False})
        wire = self._wire(call)
        reply = await self._client.apost(wire.request(call), self._hooks(run_manager, is_async=True))
        return self._result(wire, call, reply)

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        call = self._call(messages, stop, **{**kwargs, "stream": True})
        chunks: Iterator[ChatGenerationChunk] = self._render(call, self._chunk_renderer, run_manager)
        return chunks if run_manager is None else report_tokens(chunks, run_manager)

    @override
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        call = self._call(messages, stop, **{**kwargs, "stream": True})
        chunks: AsyncIterator[ChatGenerationChunk] = self._arender(call, self._chunk_renderer, run_manager)
        return chunks if run_manager is None else areport_tokens(chunks, run_manager)

    def _chunk_renderer(self, assembler: StreamAssembler) -> ChunkRenderer:
        return ChunkRenderer(assembler, blocks=self.output_version == "v1")

    def _stream_chat_model_events(
        self,
        messages: list[BaseMessage],
        *,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[MessagesData]:
        """Implements core's hook for `stream_events(version="v3")`."""
        call = self._call(messages, stop, **{**kwargs, "stream": True})
        return self._render(call, EventRenderer, run_manager)

    def _astream_chat_model_events(
        self,
        messages: list[BaseMessage],
        *,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[MessagesData]:
        """Implements core's hook for `astream_events(version="v3")`."""
        call = self._call(messages, stop, **{**kwargs, "stream": True})
        return self._arender(call, EventRenderer, run_manager)

    def _render(
        self,
        call: ModelCall,
        renderer_of: Callable[[StreamAssembler], Any],
        run_manager: CallbackManagerForLLMRun | None,
    ) -> Iterator[Any]:
        wire = self._wire(call)
        hooks = self._hooks(run_manager, is_async=False)
        request, reader = wire.request(call), wire.stream_reader()
        if not wire.streams:
            yield from self._render_reply(wire, call, self._client.post(request, hooks), renderer_of)
            return
        with self._client.stream(request, hooks, begins=reader.begins) as stream:
            assembler = self._new_assembler(wire, call, stream.headers, None)
            renderer = renderer_of(assembler)
            try:
                for payload in stream:
                    for delta in self._read_payload(reader, payload, stream):
                        yield from renderer.feed(delta)
                        if delta.is_last:
                            stream.stop()
                self._check_complete(wire, reader, assembler, stream)
            except VolcArkError as error:
                error.partial = assembler.partial()
                raise
        # Outside of the `with`, so that the connection is released before the last chunk is yielded.
        yield from renderer.finish()

    async def _arender(
        self,
        call: ModelCall,
        renderer_of: Callable[[StreamAssembler], Any],
        run_manager: AsyncCallbackManagerForLLMRun | None,
    ) -> AsyncIterator[Any]:
        wire = self._wire(call)
        hooks = self._hooks(run_manager, is_async=True)
        request, reader = wire.request(call), wire.stream_reader()
        if not wire.streams:
            for piece in self._render_reply(wire, call, await self._client.apost(request, hooks), renderer_of):
                yield piece
            return
        async with await self._client.astream(request, hooks, begins=reader.begins) as stream:
            assembler = self._new_assembler(wire, call, stream.headers, None)
            renderer = renderer_of(assembler)
            try:
                async for payload in stream:
                    for delta in self._read_payload(reader, payload, stream):
                        for piece in renderer.feed(delta):
                            yield piece
                        if delta.is_last:
                            stream.stop()
                self._check_complete(wire, reader, assembler, stream)
            except VolcArkError as error:
                error.partial = assembler.partial()
                raise
        for piece in renderer.finish():
            yield piece

    def _render_reply(
        self, wire: Wire, call: ModelCall, reply: Reply, renderer_of: Callable[[StreamAssembler], Any]
    ) -> Iterator[Any]:
        """Render the first answer of a complete reply like a stream."""
        answers = self._read_reply(reply, wire.read_reply)
        assembler = self._new_assembler(wire, call, reply.headers, reply.payload)
        renderer = renderer_of(assembler)
        for delta in answers[0] if answers else ():
            yield from renderer.feed(delta)
        if not wire.has_answer(assembler):
            raise self._format_error(reply, wire.no_answer(reply.payload))
        yield from renderer.finish()

    def _read_payload(
        self, reader: StreamReader, payload: dict[str, Any], stream: PayloadStream | AsyncPayloadStream
    ) -> Sequence[StreamDelta]:
        try:
            return reader.read(payload)
        except ValueError as error:
            raise self._format_error(Reply(payload, stream.response), error) from error

    def _check_complete(
        self,
        wire: Wire,
        reader: StreamReader,
        assembler: StreamAssembler,
        stream: PayloadStream | AsyncPayloadStream,
    ) -> None:
        came = assembler.is_answered or assembler.partial()
        if came and not reader.is_complete(assembler, ended=stream.done):
            raise stream.interrupted("it stopped without a finish reason")
        if not wire.has_answer(assembler):
            opening = stream.opening or {}
            raise self._format_error(Reply(opening, stream.response), wire.no_answer(opening))

    # --- tracing and serialisation ------------------------------------------------------------------------

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        return True

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        return serialized_namespace(cls)

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, **self._default_params}

    @override
    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        params = super()._get_invocation_params(stop=stop, **self._shown(kwargs))
        if "tools" in params:
            params["tools"] = without_credentials(params["tools"])
        return params

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        shown = self._shown(kwargs)
        hidden = {name: value for name, value in kwargs.items() if shown.get(name) is not value}
        return super()._get_llm_string(stop=stop, **shown) + self._hidden_digest(hidden)

    def _shown(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """A call's arguments without credentials, for traces and cache keys."""
        # A credential given to a call is refused, but only after core has traced the call's arguments.
        hidden = _UNTRACED | self.lc_secrets.keys()
        shown = {name: value for name, value in call.items() if name not in hidden}
        if "tools" in shown:
            shown["tools"] = without_credentials(shown["tools"])
        body = shown.get("extra_body")
        if isinstance(body, dict) and "tools" in body:
            shown["extra_body"] = {**body, "tools": without_credentials(body["tools"])}
        return shown

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = self.provider
        longest = kwargs.get("max_completion_tokens", getattr(self, "max_completion_tokens", None))
        if "ls_max_tokens" not in params and isinstance(longest, int):
            params["ls_max_tokens"] = longest
        if stop is None and self.stop:
            params["ls_stop"] = [self.stop] if isinstance(self.stop, str) else self.stop
        return params


# Core inspects these signatures in every call; Python computes a signature each time unless it is stored.
_inspected: tuple[Any, ...] = (HTTPChatModel._generate, HTTPChatModel._agenerate)  # noqa: SLF001
for _method in _inspected:
    _method.__signature__ = inspect.signature(_method)
