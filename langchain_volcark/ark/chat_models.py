"""Chat models on Volcengine Ark.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, PlainValidator, model_validator
from typing_extensions import override

import langchain_volcark.ark.blocks  # noqa: F401 - lets core read Ark's messages
from langchain_volcark.ark.batch.chat_models import BatchChatModel, refuse_responses_in_batch
from langchain_volcark.ark.batch.settings import PREFIX as BATCH_PREFIX
from langchain_volcark.ark.batch.wire import BatchChatWire
from langchain_volcark.ark.messages import ArkMessageWriter
from langchain_volcark.ark.options import LogitBias, read_four_stops
from langchain_volcark.ark.profiles import find_model
from langchain_volcark.ark.responses.items import ItemWriter
from langchain_volcark.ark.responses.options import CALL_TYPES as RESPONSES_CALL_TYPES
from langchain_volcark.ark.responses.options import is_cached
from langchain_volcark.ark.responses.routing import api_name, uses_responses
from langchain_volcark.ark.responses.settings import FIELDS as RESPONSES_FIELDS
from langchain_volcark.ark.responses.settings import ResponsesSettings
from langchain_volcark.ark.responses.stored import StoredResponses
from langchain_volcark.ark.responses.wire import PATH as RESPONSES_PATH
from langchain_volcark.ark.responses.wire import ResponsesWire
from langchain_volcark.ark.tokenization import ArkTokenization
from langchain_volcark.ark.wire import ArkChatWire
from langchain_volcark.base.chat_model import HTTPChatModel
from langchain_volcark.base.values import OptionalNumber, OptionalSwitch, OptionalWhole, Switch
from langchain_volcark.wires.structured_output import METHODS, Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import LangSmithParams, ModelProfile
    from langchain_core.messages import BaseMessage
    from typing_extensions import Self

    from langchain_volcark.wires.wire import ModelCall, Wire


_NOT_FORCED = (
    "Ark documents tool_choice for doubao-seed-1.6 and later. Name a newer model, or pass "
    'profile={"tool_choice": True} where yours takes one.'
)
_NOT_FORCED_THINKING = (
    "it refuses a forced call while it thinks. To force one, disable thinking "
    '(thinking="disabled"); for data, method="json_schema" where the model supports it.'
)


def _thinks(body: Mapping[str, Any], *, by_default: bool) -> bool:
    """Whether the model thinks with this request."""
    thinking = body.get("thinking")
    word = thinking.get("type") if isinstance(thinking, dict) else thinking
    if word == "disabled" or body.get("reasoning_effort") in ("none", "minimal"):
        return False
    return by_default if word is None else True


class ChatArk(ResponsesSettings, BatchChatModel, ArkTokenization, StoredResponses, defer_build=False):
    """Chat models on Volcengine Ark (火山方舟): Doubao, DeepSeek, GLM, Kimi.

    Calls go to the chat API, and to the Responses API where they need it: with hosted tools
    (`langchain_volcark.hosted_tools`), with any of its fields, or with `use_responses_api=True`. There the service
    stores each conversation for three days unless `store=False`.

    Setup:
        Create a key in the Ark console, activate a model, and set the key:

        ```bash
        export ARK_API_KEY="…"
        ```

    Key init args:
        model: Model id with its date (`doubao-seed-2-1-pro-260915`) or endpoint id (`ep-…`).
        api_key: Key, or a sync or async callable that returns one; default `ARK_API_KEY`.
        access_key, secret_key: Instead of a key; default `VOLC_ACCESSKEY`, `VOLC_SECRETKEY`. A model id needs
            `project_name` then.
        base_url: API address; default `ARK_BASE_URL`, else Beijing's. BytePlus:
            `https://ark.ap-southeast.bytepluses.com/api/v3`; Coding Plan:
            `https://ark.cn-beijing.volces.com/api/coding/v3`.
        thinking: `"enabled"`, `"disabled"` or `"auto"`; unset leaves it to the model.
        temperature, max_tokens, stop, timeout, max_retries: LangChain's standard parameters.

    Example:
        ```python
        from langchain_volcark import ChatArk

        model = ChatArk(model="doubao-seed-2-1-pro-260915")
        message = model.invoke("Name three cruciferous plants.")
        print(message.text)
        print(message.additional_kwargs.get("reasoning_content"))
        ```

    Stream:
        ```python
        for chunk in model.stream("Tell me a story."):
            print(chunk.text, end="", flush=True)
        ```

    Batch inference:
        Half the price, for work that may take hours; see `batch_inference` and `batch_deadline`.

        ```python
        model = ChatArk(model="ep-bi-20260101000000-abcde", batch=True)
        for position, answer in model.batch_as_completed(prompts, return_exceptions=True):
            print(position, answer if isinstance(answer, Exception) else answer.text)
        ```

    Tool calling:
        ```python
        def get_weather(city: str) -> str:
            '''Weather of a city.'''
            return "sunny"


        model.bind_tools([get_weather]).invoke("Weather in Hangzhou?").tool_calls
        ```

    Response metadata:
        `model_name` (as resolved by the service), `model_provider`, `finish_reason`, `request_id`, `created`,
        `service_tier`, and all further fields of the reply.
    """

    max_completion_tokens: OptionalWhole = Field(default=None, ge=0)
    """Maximum length of reasoning and answer together, in tokens; cannot be combined with `max_tokens`."""
    temperature: OptionalNumber = Field(default=None, ge=0, le=2)
    """0 to 2, the service's default is 1; sent only when set, 0 included. Some models ignore it."""
    top_p: OptionalNumber = Field(default=None, ge=0, le=1)
    """0 to 1, the service's default is 0.7; sent only when set. Some models ignore it."""
    stop: Annotated[list[str] | str | None, PlainValidator(read_four_stops)] = None
    """Up to four stop sequences; the `stop` argument of a call replaces them."""
    thinking: Literal["enabled", "disabled", "auto"] | dict[str, Any] | None = None
    """Whether the model thinks: a mode, or the API's object (`{"type": "enabled"}`)."""
    reasoning_effort: str | None = None
    """How much it thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`."""
    frequency_penalty: OptionalNumber = Field(default=None, ge=-2, le=2)
    """-2 to 2; positive values reduce repetition, in proportion to how often a token occurred."""
    presence_penalty: OptionalNumber = Field(default=None, ge=-2, le=2)
    """-2 to 2; positive values reduce repetition of tokens that occurred at all."""
    repetition_penalty: OptionalNumber = None
    """Specific to Ark; values above 1 reduce repetition."""
    logprobs: OptionalSwitch = None
    """Whether to return log probabilities of the answer's tokens."""
    top_logprobs: OptionalWhole = Field(default=None, ge=0, le=20)
    """Number of alternatives per token, 0 to 20; needs `logprobs`."""
    logit_bias: LogitBias | None = None
    """Token id to bias, -100 to 100."""
    n: OptionalWhole = Field(default=None, ge=1)
    """Number of answers; `generate` returns them all. Streaming supports one answer only."""
    parallel_tool_calls: OptionalSwitch = None
    """Whether the model may call several tools at once."""
    response_format: dict[str, Any] | None = None
    """`{"type": "text" | "json_object" | "json_schema", …}`."""
    service_tier: str | None = None
    """`auto`, `default` or `fast`."""
    stream_options: dict[str, Switch] | None = None
    """`include_usage`, `chunk_include_usage` (counts so far, in each payload); sent with streams only.

    If unset, `stream_usage` decides whether streams ask for their usage.
    """
    user: str | None = None
    """Your id of the end user."""
    reasoning_passback: Literal["auto", "always", "tool_turns", "never"] = "auto"
    """Which assistant messages include their reasoning: all, those with tool calls, none.

    `"auto"` follows the model's profile; for an unknown model or an `ep-` id it is `"tool_turns"`.
    """

    provider: ClassVar[str] = "volcengine"
    body_fields: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "thinking",
        "reasoning_effort",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "n",
        "parallel_tool_calls",
        "response_format",
        "service_tier",
        "stream_options",
        "user",
    )
    call_fields: ClassVar[tuple[str, ...]] = (*HTTPChatModel.call_fields, *RESPONSES_FIELDS)
    call_types: ClassVar[Mapping[str, Any]] = {**HTTPChatModel.call_types, **RESPONSES_CALL_TYPES}
    endpoint_paths: ClassVar[tuple[str, ...]] = (*HTTPChatModel.endpoint_paths, RESPONSES_PATH, BATCH_PREFIX)

    @model_validator(mode="after")
    def _refuse_duplicates(self) -> Self:
        duplicates = [
            name
            for name in (*self.body_fields, *RESPONSES_FIELDS)
            if name in self.model_kwargs and getattr(self, name) is not None
        ]
        if duplicates:
            raise ValueError(f"{duplicates[0]} is set as a field and in model_kwargs: set it once.")
        return self

    @model_validator(mode="after")
    def _refuse_responses_in_batch(self) -> Self:
        if self.batch_inference:
            refuse_responses_in_batch(self._default_params, {})
        return self

    @property
    def _default_params(self) -> dict[str, Any]:
        settings = {name: getattr(self, name) for name in RESPONSES_FIELDS}
        return {
            **{name: value for name, value in settings.items() if value is not None},
            **super()._default_params,
        }

    @property
    def _llm_type(self) -> str:
        return "volcengine-ark-chat"

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        raw = kwargs.get("extra_body")
        given = {**self._default_params, **self.extra_body, **kwargs, **(raw if isinstance(raw, dict) else {})}
        api = self._api_name(given, str(kwargs.get("model") or self.model_name))
        return cast("LangSmithParams", {**params, "ark_api": api})

    def _api_name(self, given: Mapping[str, Any], model: str) -> str:
        return api_name(given, model)

    def _resolve_model_profile(self) -> ModelProfile | None:
        row = find_model(self.model_name)
        if row is None:
            return None
        # The explicit cache takes no JSON schema, and agents choose by the profile.
        profile = row.profile()
        if is_cached(self._default_params):
            profile["structured_output"] = False
        return profile

    def _structured_output_methods(self) -> tuple[Method, ...]:
        row = find_model(self.model_name)
        profile = self.profile or {}
        if row is None and not profile:
            return METHODS
        by_schema = False if is_cached(self._default_params) else profile.get("structured_output")
        able: list[Method] = ["json_schema"] if by_schema else []
        if profile.get("tool_calling", True):
            able.append("function_calling")
        if row is None or row.json_object:
            able.append("json_mode")
        # Where support is unknown, json_schema is available by name, but not the default.
        return (*able, "json_schema") if by_schema is None else tuple(able)

    def _known_refusal(self, body: Mapping[str, Any]) -> str | None:
        row = find_model(str(body.get("model")))
        if row is None or row.tool_choice is True:
            return None
        if row.tool_choice is False:
            return _NOT_FORCED
        return _NOT_FORCED_THINKING if _thinks(body, by_default=bool(row.thinks)) else None

    def _call(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, *, stream: bool, **kwargs: Any
    ) -> ModelCall:
        call = super()._call(messages, stop, stream=stream, **kwargs)
        own = self.stream_options
        if stream or own is None or call.parameters.get("stream_options") is not own:
            return call
        # The model's own stream_options apply to streams only.
        rest = {name: value for name, value in call.parameters.items() if name != "stream_options"}
        return replace(call, parameters=rest)

    def _wire(self, call: ModelCall) -> Wire:
        if self.batch_inference:
            refuse_responses_in_batch(call.parameters, call.raw)
            return BatchChatWire(self.provider, self.endpoint_paths[0], self._writer(call.model), self._in_batch)
        if uses_responses(call):
            return self._responses_wire(call.model)
        return ArkChatWire(self.provider, self.endpoint_paths[0], self._writer(call.model))

    def _writer(self, model: str) -> ArkMessageWriter:
        return ArkMessageWriter(self.provider, "Ark's chat API", **self._writing(model))

    def _responses_wire(self, model: str) -> ResponsesWire:
        writer = ItemWriter(self.provider, "Ark's Responses API", **self._writing(model))
        return ResponsesWire(self.provider, writer, self.default_headers)

    def _writing(self, model: str) -> dict[str, Any]:
        """What the writers of both APIs need to know of a model."""
        row = find_model(model)
        policy = self.reasoning_passback
        if policy == "auto":
            policy = row.reasoning_passback if row else "tool_turns"
        known = row.profile() if row else None
        return {"reasoning": policy, "model": model, "profile": self.profile if model == self.model else known}
