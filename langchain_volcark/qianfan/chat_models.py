"""Chat with models on Baidu Qianfan.

V2: https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb. V1 (custom services, private deployments):
https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self, override

from langchain_volcark.base.chat_model import HTTPChatModel
from langchain_volcark.base.values import OptionalNumber, OptionalSwitch, OptionalWhole, Switch
from langchain_volcark.messages.content_blocks import register
from langchain_volcark.qianfan.profiles import V1Model, find_v1_model, profile_of
from langchain_volcark.qianfan.service import QianfanService

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

    from langchain_volcark.wires.structured_output import Method
    from langchain_volcark.wires.wire import ModelCall, Wire

register("qianfan")


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
    def _check_fields(self) -> Self:
        self._version.check_fields({name: getattr(self, name) for name in (*self.body_fields, "stop")})
        return self

    @property
    def _llm_type(self) -> str:
        return "qianfan-chat"

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self.model)

    def _structured_output_methods(self) -> tuple[Method, ...]:
        return self._version.methods

    def _known_refusal(self, body: Mapping[str, Any]) -> str | None:
        return self._version.refusal(body)

    # --- requests -----------------------------------------------------------------------------------------

    @override
    def _check_call(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return self._version.check_call(values, super()._check_call)

    @override
    def _adjust_call(self, values: dict[str, Any]) -> dict[str, Any]:
        self._refuse_other_version(name for name, value in values.items() if value is not None)
        return values

    @override
    def _wire(self, call: ModelCall) -> Wire:
        return self._version.wire(self, call)

    def preset_of(self, model: str) -> V1Model | None:
        """V1's preset model that a call is for; None for a custom service."""
        preset = None if self.endpoint and model == self.model else find_v1_model(model)
        return preset or find_v1_model(self.endpoint or "")
