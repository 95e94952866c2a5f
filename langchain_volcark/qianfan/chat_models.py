"""Chat model for Baidu Qianfan (`ChatQianfan`).

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
        model: Model id in lower case (`ernie-5.1`), or the id of a model service that you deployed.
        api_key: API key, or a sync or async callable that returns one; default `QIANFAN_BEARER_TOKEN`, else
            `QIANFAN_API_KEY`. Without one, `access_key` and `secret_key` (IAM) are used to get a short-term key.
        app_id: Application that calls are billed to; default `QIANFAN_APP_ID`.
        web_search: The service's built-in web search: True, or the API's `web_search` object.
        thinking, enable_thinking: Whether the model thinks; which of the two applies depends on the model family.
        temperature, max_tokens, stop, timeout, max_retries: LangChain's standard parameters.

    Example:
        ```python
        from langchain_volcark import ChatQianfan

        model = ChatQianfan(model="ernie-5.1")
        print(model.invoke("Name three cruciferous plants.").text)
        ```

    Web search:
        Reference marks such as `^[1]^` in the answer become standard citations on its text block.

        ```python
        model = ChatQianfan(
            model="ernie-5.1", web_search={"enable": True, "enable_trace": True, "enable_citation": True}
        )
        message = model.invoke("What is new in Hangzhou?")
        message.response_metadata["search_results"]
        message.content_blocks[0]["annotations"]
        ```

    V1:
        Baidu shut V1 down on 2026-08-31; `api_version="v1"` is for private deployments that still offer it (with
        Baidu's own `base_url` it warns). There is no automatic fallback from one version to the other. V1 needs
        one of `access_token`, `client_id` with `client_secret`, or `access_key` with `secret_key`; for another
        scheme (`ACCESSCODE …`) set `default_headers={"Authorization": …}`.

        ```python
        ChatQianfan(
            api_version="v1", endpoint="ngxxxol8_test1", base_url="https://qianfan.example.com/…/wenxinworkshop"
        )
        ```

        V1 expects the token as a query parameter. The package adds it when the request is written to the
        connection, so that logs never show it. With your own `http_client` or `http_async_client` it has to be
        part of the URL; a logging filter then redacts it in httpx's log.

    Response metadata:
        `model_name`, `model_provider`, `finish_reason` (unchanged, including `normal`), `request_id`, `created`,
        `search_results`, `flag`, `ban_round`, `need_clear_history`, and all other fields of the reply.

    Conversations:
        Consecutive messages of the same role are merged. A message order that Qianfan would refuse raises a
        `ValueError` that names the position.
    """

    max_completion_tokens: OptionalWhole = Field(default=None, ge=1)
    """Maximum length of answer and thinking together, in tokens."""
    penalty_score: OptionalNumber = Field(default=None, ge=1, le=2)
    """Repetition penalty of ERNIE models, 1 to 2."""
    frequency_penalty: OptionalNumber = Field(default=None, ge=-2, le=2)
    """-2 to 2; models other than ERNIE."""
    presence_penalty: OptionalNumber = Field(default=None, ge=-2, le=2)
    """-2 to 2; models other than ERNIE."""
    repetition_penalty: OptionalNumber = None
    """Repetition penalty of some open-source models."""
    seed: OptionalWhole = None
    """Random seed: the same seed and request give nearly the same answer."""
    user: str | None = None
    """Your id for the end user (V1: `user_id`)."""
    thinking: Literal["enabled", "disabled"] | dict[str, Any] | None = None
    """Whether the model thinks; for DeepSeek V3.1 and later, GLM-4.7 and later, Kimi K2.5."""
    enable_thinking: OptionalSwitch = None
    """Whether the model thinks; for Qwen3, ERNIE-4.5 vision models, ERNIE-5.0-Thinking."""
    web_search: Switch | dict[str, Any] | None = None
    """Built-in web search: True, or an object (`enable`, `enable_trace`, `enable_citation`, …)."""
    parallel_tool_calls: OptionalSwitch = None
    """Whether the model may call several tools at once."""
    response_format: dict[str, Any] | None = None
    """`{"type": "text" | "json_object" | "json_schema", …}`; V1 has the first two."""
    logprobs: OptionalSwitch = None
    """Whether to return log probabilities, where the model supports them."""
    top_logprobs: OptionalWhole = Field(default=None, ge=0, le=20)
    """Number of most likely tokens to return at each position, 0 to 20."""
    request_metadata: dict[str, Any] | None = None
    """The request's `metadata` object (LangChain uses the name `metadata` for tracing)."""
    reasoning_passback: Literal["always", "tool_turns", "never"] = "never"
    """Which assistant messages are sent back with their reasoning; Qianfan needs none."""
    system: str | None = None
    """V1: system prompt, placed before the system messages of the conversation."""
    top_k: OptionalWhole = Field(default=None, ge=1)
    """V1: sample from the k most likely tokens."""
    min_output_tokens: OptionalWhole = Field(default=None, ge=1)
    """V1: minimum length of the answer in tokens (preset models)."""
    disable_search: OptionalSwitch = None
    """V1: whether to switch off the built-in search (preset models)."""
    enable_citation: OptionalSwitch = None
    """V1: whether the answer has reference marks and `search_info` (preset models)."""
    enable_trace: OptionalSwitch = None
    """V1: whether to return the search results (preset models)."""
    user_setting: str | None = None
    """V1: description of the user (character models)."""
    max_characters: OptionalWhole = Field(default=None, ge=0)
    """V1: maximum number of characters in all messages together, checked before sending; 0 for no check.

    The default is the documented limit: 4,800 for custom services, each preset model's own limit otherwise.
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
        """Return the V1 preset model that a call uses; None for a custom service."""
        preset = None if self.endpoint and model == self.model else find_v1_model(model)
        return preset or find_v1_model(self.endpoint or "")
