"""Chat with models on Baidu Qianfan.

V2: https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb. V1 (custom services, private deployments):
https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self, override

from langchain_volcark.chat_completions.messages import MessageWriter
from langchain_volcark.chat_completions.replies import read_choices, read_payload, read_reply
from langchain_volcark.chat_model import HTTPChatModel
from langchain_volcark.content_blocks import register
from langchain_volcark.qianfan.messages import QianfanMessageWriter
from langchain_volcark.qianfan.profiles import (
    CUSTOM_CHARACTERS,
    V1Model,
    find_family,
    find_v1_model,
    profile_of,
)
from langchain_volcark.qianfan.service import QianfanService
from langchain_volcark.qianfan.v1 import TYPES as V1_TYPES
from langchain_volcark.qianfan.v1 import check_values as check_v1_values
from langchain_volcark.qianfan.v1 import finish_body, read_v1_reply, write_conversation
from langchain_volcark.structured_output import json_schema_format
from langchain_volcark.tools import warn_caller
from langchain_volcark.values import (
    OptionalNumber,
    OptionalSwitch,
    OptionalWhole,
    Switch,
    Whole,
    check_value,
    within,
)

if TYPE_CHECKING:
    import httpx
    from langchain_core.language_models import ModelProfile
    from langchain_core.messages import BaseMessage

    from langchain_volcark.assembler import StreamAssembler, StreamDelta
    from langchain_volcark.http.client import ServiceRequest
    from langchain_volcark.http.stream import AsyncPayloadStream, PayloadStream
    from langchain_volcark.structured_output import Method

_SEARCH_STATUS = "search_status"
_SYSTEM_OF_CUSTOM = (
    "The system message is sent as `system`, which V1's preset models know and the page of its custom services "
    "(https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5) does not name: this service may refuse it. "
    "Put the text into the first message from the user instead."
)


_Results = Annotated[Whole, within(1, 28, words="1 to 28")]

_NOT_FORCED_THINKING = (
    'models refuse a forced call while they think. To force one, disable thinking (thinking="disabled" or '
    "enable_thinking=False, by the model's family)."
)

register("qianfan")


def _thinks(body: Mapping[str, Any]) -> bool:
    """Whether the model will think, as far as the request says."""
    thinking = body.get("thinking")
    if thinking is not None:
        return (thinking.get("type") if isinstance(thinking, Mapping) else thinking) != "disabled"
    if body.get("enable_thinking") is not None:
        return bool(body["enable_thinking"])
    family = find_family(str(body.get("model")))
    return family is not None and family.thinks


class ChatQianfan(QianfanService, HTTPChatModel, defer_build=False):
    """Chat models on Baidu Qianfan (百度智能云千帆): ERNIE, DeepSeek, GLM, Qwen, Kimi.

    Setup:
        Create an API key in the Qianfan console and set it:

        ```bash
        export QIANFAN_BEARER_TOKEN="bce-v3/ALTAK-…/…"
        ```

    Key init args:
        model: Model id in lower case (`ernie-5.1`), or the id of a service of your own.
        api_key: API key, or a sync or async callable that returns one; default `QIANFAN_BEARER_TOKEN`, else
            `QIANFAN_API_KEY`. Without one, `access_key` and `secret_key` (IAM) are exchanged for a short-term key.
        app_id: Application to book calls to; default `QIANFAN_APP_ID`.
        web_search: The service's own search: True, or the object as the API has it.
        thinking, enable_thinking: Whether the model thinks; which of the two a model takes depends on its family.
        temperature, max_tokens, stop, timeout, max_retries: As everywhere in LangChain.

    Example:
        ```python
        from langchain_volcark import ChatQianfan

        model = ChatQianfan(model="ernie-5.1")
        print(model.invoke("Name three cruciferous plants.").text)
        ```

    Web search:
        Marks such as `^[1]^` in the answer become standard citations of its text block.

        ```python
        model = ChatQianfan(
            model="ernie-5.1", web_search={"enable": True, "enable_trace": True, "enable_citation": True}
        )
        message = model.invoke("What is new in Hangzhou?")
        message.response_metadata["search_results"]
        message.content_blocks[0]["annotations"]
        ```

    V1:
        Baidu took V1 out of service on 2026-08-31; `api_version="v1"` is for private deployments that still speak
        it (and warns where `base_url` is Baidu's). Neither version ever stands in for the other. V1 wants one of
        `access_token`, `client_id` with `client_secret`, or `access_key` with `secret_key`; another kind of header
        (`ACCESSCODE …`) is passed as `default_headers={"Authorization": …}`.

        ```python
        ChatQianfan(
            api_version="v1", endpoint="ngxxxol8_test1", base_url="https://qianfan.example.com/…/wenxinworkshop"
        )
        ```

        The token rides in the query of the URL, below anything that logs. Only where `http_client` or
        `http_async_client` is your own must it stand in the URL itself; a filter then redacts it in httpx's log.

    Response metadata:
        `model_name`, `model_provider`, `finish_reason` (as sent; `normal` is one), `request_id`, `created`,
        `search_results`, `flag`, `ban_round`, `need_clear_history`, and whatever else the reply holds.

    Conversations:
        Messages of the same role in a row are joined; what Qianfan's rules for the order of messages refuse is a
        `ValueError` that names the position.
    """

    max_completion_tokens: OptionalWhole = Field(default=None, ge=1)
    """Longest answer and thinking together, in tokens."""
    penalty_score: OptionalNumber = Field(default=None, ge=1, le=2)
    """1 to 2; ERNIE's penalty on repetition."""
    frequency_penalty: OptionalNumber = Field(default=None, ge=-2, le=2)
    """-2 to 2; models other than ERNIE."""
    presence_penalty: OptionalNumber = Field(default=None, ge=-2, le=2)
    """-2 to 2; models other than ERNIE."""
    repetition_penalty: OptionalNumber = None
    """Some open models' penalty on repetition."""
    seed: OptionalWhole = None
    """The same seed and request lead to nearly the same answer."""
    user: str | None = None
    """Your id of the end user (V1: `user_id`)."""
    thinking: Literal["enabled", "disabled"] | dict[str, Any] | None = None
    """Whether the model thinks; for DeepSeek V3.1 and later, GLM-4.7 and later, Kimi K2.5."""
    enable_thinking: OptionalSwitch = None
    """Whether the model thinks; for Qwen3, ERNIE-4.5 vision models, ERNIE-5.0-Thinking."""
    web_search: Switch | dict[str, Any] | None = None
    """The service's search: True, or the object (`enable`, `enable_trace`, `enable_citation`, …)."""
    parallel_tool_calls: OptionalSwitch = None
    """Whether the model may call several tools at once."""
    response_format: dict[str, Any] | None = None
    """`{"type": "text" | "json_object" | "json_schema", …}`; in V1 the first two."""
    logprobs: OptionalSwitch = None
    """Whether to return log probabilities, where the model knows them."""
    top_logprobs: OptionalWhole = Field(default=None, ge=0, le=20)
    """Alternatives per token."""
    request_metadata: dict[str, Any] | None = None
    """The request's `metadata` object (LangChain's own `metadata` is for traces)."""
    reasoning_passback: Literal["always", "tool_turns", "never"] = "never"
    """On which assistant messages reasoning is sent back; Qianfan asks for none."""
    system: str | None = None
    """V1: the persona, before the conversation's own system messages."""
    top_k: OptionalWhole = Field(default=None, ge=1)
    """V1: sample from so many most likely tokens."""
    min_output_tokens: OptionalWhole = Field(default=None, ge=1)
    """V1: shortest answer in tokens, on preset models."""
    disable_search: OptionalSwitch = None
    """V1: switches the built-in search off, on preset models."""
    enable_citation: OptionalSwitch = None
    """V1: marks in the answer and `search_info`, on preset models."""
    enable_trace: OptionalSwitch = None
    """V1: what the search found, on preset models."""
    user_setting: str | None = None
    """V1: the user's persona, on character models."""
    max_characters: OptionalWhole = Field(default=None, ge=0)
    """V1: most characters of all contents together, checked before sending; 0 for no check.

    None is what the documents say: 4,800 for custom services, the preset models' own limits.
    """

    provider: ClassVar[str] = "qianfan"
    v2_only: ClassVar[tuple[str, ...]] = (
        "repetition_penalty",
        "seed",
        "thinking",
        "enable_thinking",
        "web_search",
        "logprobs",
        "top_logprobs",
        "request_metadata",
    )
    v1_only: ClassVar[tuple[str, ...]] = (
        "endpoint",
        "system",
        "top_k",
        "min_output_tokens",
        "disable_search",
        "enable_citation",
        "enable_trace",
        "user_setting",
        "max_characters",
    )
    body_fields: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "penalty_score",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "seed",
        "user",
        "thinking",
        "enable_thinking",
        "web_search",
        "parallel_tool_calls",
        "response_format",
        "logprobs",
        "top_logprobs",
        "request_metadata",
        "system",
        "top_k",
        "min_output_tokens",
        "disable_search",
        "enable_citation",
        "enable_trace",
        "user_setting",
    )

    call_fields: ClassVar[tuple[str, ...]] = (*HTTPChatModel.call_fields, "endpoint")
    call_types: ClassVar[Mapping[str, Any]] = {**HTTPChatModel.call_types, "metadata": dict[str, Any]}

    @model_validator(mode="after")
    def _check_v1_values(self) -> Self:
        if self.api_version == "v1":
            values = {name: getattr(self, name) for name in (*self.body_fields, "stop")}
            if values["temperature"] == 0:
                del values["temperature"]  # what generic code sets for every model; a call refuses it
            check_v1_values(values)
        return self

    @property
    def _llm_type(self) -> str:
        return "qianfan-chat"

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self.model)

    def _structured_output_methods(self) -> tuple[Method, ...]:
        if self.api_version == "v1":
            return ("function_calling", "json_mode")
        # Which models take a JSON schema is a list that changes; a call of a tool, all do.
        return ("function_calling", "json_schema", "json_mode")

    def _known_refusal(self, body: Mapping[str, Any]) -> str | None:
        return _NOT_FORCED_THINKING if self.api_version == "v2" and _thinks(body) else None

    # --- requests -----------------------------------------------------------------------------------------

    @override
    def _request(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, *, stream: bool, **kwargs: Any
    ) -> ServiceRequest:
        request = super()._request(messages, stop, stream=stream, **kwargs)
        if self.api_version == "v2":
            return request
        # V1 names the model in the path alone.
        body = {name: value for name, value in request.body.items() if name not in ("model", "endpoint")}
        return replace(request, body=body)

    @override
    def _check_call(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if self.api_version == "v2":
            return super()._check_call(values)
        # V1's own names, and words where V2 has objects.
        own = {name: values[name] for name in V1_TYPES.keys() & values.keys()}
        return {**super()._check_call({**values, **dict.fromkeys(own)}), **check_v1_values(own)}

    @override
    def _adjust_call(self, values: dict[str, Any]) -> dict[str, Any]:
        self._refuse_other_version(name for name, value in values.items() if value is not None)
        return values

    def _path(self, body: Mapping[str, Any]) -> str:
        if self.api_version == "v2":
            return self.endpoint_paths[0]
        return self._v1_path(body["model"], body.get("endpoint"))

    def _write_messages(self, messages: Sequence[BaseMessage], model: str) -> list[dict[str, Any]]:
        if self.api_version == "v2":
            profile = self.profile if model == self.model else profile_of(model)
            writer = QianfanMessageWriter(
                self.provider, "Qianfan's chat API", reasoning=self.reasoning_passback, profile=profile
            )
            return writer.write(messages)
        written = MessageWriter(self.provider, "Qianfan's V1", reasoning="never").placed(messages)
        return write_conversation(written, self._most_characters(model))

    def _most_characters(self, model: str) -> int | None:
        if self.max_characters is not None:
            return self.max_characters
        preset = self._preset(model)
        return CUSTOM_CHARACTERS if preset is None else preset.characters

    def _preset(self, model: str) -> V1Model | None:
        """V1's preset model that is called; None for a custom service."""
        preset = None if self.endpoint and model == self.model else find_v1_model(model)
        return preset or find_v1_model(self.endpoint or "")

    def _finish_body(self, body: dict[str, Any], *, stream: bool, stream_usage: bool) -> dict[str, Any]:
        if self.api_version == "v1":
            if stream:
                body["stream"] = True
            if body["messages"][0].get("role") == "system" and self._preset(body["model"]) is None:
                warn_caller(_SYSTEM_OF_CUSTOM)
            return finish_body(body)
        body = super()._finish_body(body, stream=stream, stream_usage=stream_usage)
        if "request_metadata" in body:
            body["metadata"] = body.pop("request_metadata")
        if isinstance(body.get("thinking"), str):
            body["thinking"] = {"type": body["thinking"]}
        if isinstance(body.get("web_search"), bool):
            body["web_search"] = {"enable": body["web_search"]}
        if "response_format" in body and not isinstance(body["response_format"], dict):
            body["response_format"] = json_schema_format(body["response_format"])
        refuse_contradictions(body)
        return body

    # --- replies ------------------------------------------------------------------------------------------

    @override
    def _new_assembler(
        self, request: ServiceRequest, headers: httpx.Headers, payload: Any = None
    ) -> StreamAssembler:
        assembler = super()._new_assembler(request, headers, payload)
        if self.api_version == "v1":
            # V1's replies name no model; the address did.
            endpoint = request.path.rpartition("/")[2]
            preset = find_v1_model(endpoint)
            assembler.model_name = preset.name if preset else endpoint
        return assembler

    def _read_choices(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        if self.api_version == "v1":
            return [read_v1_reply(payload)]
        return [read_reply(payload, choice) for choice in read_choices(payload)]

    def _read_payload(self, payload: Mapping[str, Any]) -> StreamDelta:
        if self.api_version == "v1":
            return read_v1_reply(payload)
        return without_search_status(read_payload(payload))

    @override
    def _has_answer(self, assembler: StreamAssembler) -> bool:
        if super()._has_answer(assembler):
            return True
        # V1 need not say why the model stopped: that it counted tokens shows that it ran.
        return self.api_version == "v1" and assembler.is_answered and assembler.usage is not None

    @override
    def _no_answer(self, payload: Mapping[str, Any]) -> str:
        missing, other = ("result", "choices") if self.api_version == "v1" else ("choices", "result")
        if other in payload:
            return f'it has {other!r} and no {missing!r}, so api_version="{self.api_version}" may be wrong'
        return f"it holds no answer in {missing!r}"

    def _is_complete(self, assembler: StreamAssembler, stream: PayloadStream | AsyncPayloadStream) -> bool:
        if self.api_version == "v1":
            return stream.done or super()._is_complete(assembler, stream)
        return super()._is_complete(assembler, stream)


def without_search_status(delta: StreamDelta) -> StreamDelta:
    """Keep what the service says while it searches (`enable_status`) out of the answer.

    Args:
        delta: A stream's payload, read.

    Returns:
        The delta; the status is in its metadata.
    """
    for fields in (delta.metadata, delta.additional_kwargs):
        if fields.get("delta_tag") == _SEARCH_STATUS:
            del fields["delta_tag"]
            delta.metadata[_SEARCH_STATUS], delta.text = delta.text, ""
    return delta


def refuse_contradictions(body: Mapping[str, Any]) -> None:
    """Refuse what the service would refuse for certain.

    Args:
        body: A V2 request's body.

    Raises:
        ValueError: Names the fields.
    """
    if "thinking" in body and "enable_thinking" in body:
        raise ValueError("thinking and enable_thinking say the same to different models: set one.")
    family = find_family(str(body.get("model")))
    for switch in ("thinking", "enable_thinking"):
        if switch in body and family is not None and family.switch not in (None, switch):
            raise ValueError(f"{body['model']} takes {family.switch}, not {switch}.")
    search = body.get("web_search")
    if isinstance(search, Mapping):
        found, used = (
            check_value(_Results, f"web_search.{name}", search.get(name, 10))
            for name in ("search_number", "reference_number")
        )
        if used > found and "reference_number" in search:
            raise ValueError("web_search.reference_number must not be more than search_number.")
