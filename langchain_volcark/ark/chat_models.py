"""Chat with models on Volcengine Ark.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from langchain_core.utils import from_env, secret_from_env
from pydantic import Field, SecretStr

from langchain_volcark.ark.bot_replies import plugin_blocks
from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.ark.messages import ArkMessageWriter
from langchain_volcark.ark.profiles import find_model
from langchain_volcark.ark.schemas import rewrite_response_format
from langchain_volcark.chat_completions.replies import read_reply
from langchain_volcark.chat_model import HTTPChatModel
from langchain_volcark.content_blocks import register
from langchain_volcark.http.auth import BearerAuth
from langchain_volcark.structured_output import METHODS, Method, json_schema_format

if TYPE_CHECKING:
    import httpx
    from langchain_core.language_models import ModelProfile
    from langchain_core.messages import BaseMessage

    from langchain_volcark.assembler import StreamDelta
    from langchain_volcark.http.errors import ErrorReader

ARK_BASE_URL = "https://ark.cn-beijing.volces.com/api/v3"

_ERRORS = ArkErrors()

register("volcengine", server_tools=plugin_blocks)


class ChatArk(HTTPChatModel):
    """Chat models on Volcengine Ark (火山方舟): Doubao, DeepSeek, GLM, Kimi.

    Setup:
        Create a key in the Ark console, activate a model, and set the key:

        ```bash
        export ARK_API_KEY="…"
        ```

    Key init args:
        model: Model id with its date (`doubao-seed-2-1-pro-260915`) or endpoint id (`ep-…`).
        api_key: Key, or a sync or async callable that returns one; default `ARK_API_KEY`.
        base_url: API address; default `ARK_BASE_URL`, else Beijing's.
        thinking: `"enabled"`, `"disabled"` or `"auto"`; unset leaves it to the model.
        temperature, max_tokens, stop, timeout, max_retries: As everywhere in LangChain.

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

    Tool calling:
        ```python
        def get_weather(city: str) -> str:
            '''Weather of a city.'''
            return "sunny"


        model.bind_tools([get_weather]).invoke("Weather in Hangzhou?").tool_calls
        ```

    Response metadata:
        `model_name` (as resolved by the service), `model_provider`, `finish_reason`, `request_id`, `created`,
        `service_tier`, and whatever else the reply holds.
    """

    api_key: SecretStr | Callable[[], str] | Callable[[], Awaitable[str]] | None = Field(
        default_factory=secret_from_env("ARK_API_KEY", default=None)
    )
    """The API key, or a callable that returns one. Missing, it fails at the first request."""
    base_url: str = Field(default_factory=from_env("ARK_BASE_URL", default=ARK_BASE_URL))
    max_completion_tokens: int | None = Field(default=None, ge=0)
    """Longest answer and thinking together, in tokens; excludes `max_tokens`."""
    thinking: Literal["enabled", "disabled", "auto"] | dict[str, Any] | None = None
    """Whether the model thinks; the word, or the object as the API has it."""
    reasoning_effort: str | None = None
    """How much it thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`."""
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    """-2 to 2; discourages repeating tokens by how often they came."""
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    """-2 to 2; discourages tokens that came at all."""
    repetition_penalty: float | None = None
    """Ark's own; above 1 discourages repetition."""
    logprobs: bool | None = None
    """Whether to return log probabilities of the answer's tokens."""
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    """0 to 20 alternatives per token; needs `logprobs`."""
    logit_bias: dict[str, float] | None = None
    """Token id to bias, -100 to 100."""
    n: int | None = Field(default=None, ge=1)
    """Number of answers; `generate` returns them all."""
    parallel_tool_calls: bool | None = None
    """Whether the model may call several tools at once."""
    response_format: dict[str, Any] | None = None
    """`{"type": "text" | "json_object" | "json_schema", …}`."""
    service_tier: str | None = None
    """`auto`, `default` or `fast`."""
    user: str | None = None
    """Your id of the end user."""
    reasoning_passback: Literal["auto", "always", "tool_turns", "never"] = "auto"
    """On which assistant messages reasoning is sent back: all, those with tool calls, none.

    `"auto"` does what the model's profile says; for an unknown model or an `ep-` id that is `"tool_turns"`.
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
        "user",
    )

    @property
    def _llm_type(self) -> str:
        return "volcengine-ark-chat"

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Each credential's environment variable."""
        return {"api_key": "ARK_API_KEY"}

    @property
    def _errors(self) -> ErrorReader:
        return _ERRORS

    def _auth(self) -> httpx.Auth:
        return BearerAuth(self.api_key, missing="Set ARK_API_KEY, or pass api_key=…")

    def _resolve_model_profile(self) -> ModelProfile | None:
        row = find_model(self.model_name)
        return row.profile() if row else None

    def _structured_output_methods(self) -> tuple[Method, ...]:
        row = find_model(self.model_name)
        profile = self.profile or {}
        if row is None and not profile:
            return METHODS
        able: list[Method] = []
        if profile.get("structured_output", True):
            able.append("json_schema")
        if profile.get("tool_calling", True):
            able.append("function_calling")
        if row is None or row.json_object:
            able.append("json_mode")
        # Where nobody knows, the method may be asked for by name; it is never chosen.
        if row is not None and row.json_schema is None and "json_schema" not in able:
            able.append("json_schema")
        return tuple(able)

    def _can_force_tools(self) -> bool:
        return bool((self.profile or {}).get("tool_choice", True))

    def _write_messages(self, messages: Sequence[BaseMessage], model: str) -> list[dict[str, Any]]:
        policy = self.reasoning_passback
        if policy == "auto":
            row = find_model(model)
            policy = row.reasoning_passback if row else "tool_turns"
        return ArkMessageWriter(self.provider, "Ark's chat API", reasoning=policy).write(messages)

    def _read_choices(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        return [read_reply(payload, choice) for choice in payload.get("choices") or [None]]

    def _read_payload(self, payload: Mapping[str, Any]) -> StreamDelta:
        return read_reply(payload)

    def _finish_body(self, body: dict[str, Any], *, stream: bool, stream_usage: bool) -> dict[str, Any]:
        if isinstance(body.get("thinking"), str):
            body["thinking"] = {"type": body["thinking"]}
        if body.get("response_format") is not None:
            body["response_format"] = _response_format(body["response_format"])
        body = super()._finish_body(body, stream=stream, stream_usage=stream_usage)
        refuse_contradictions(body)
        return body


def _response_format(value: Any) -> Any:
    """A `response_format` as the API has it; a pydantic class or TypedDict stands for its JSON schema."""
    return rewrite_response_format(value if isinstance(value, dict) else json_schema_format(value))


def refuse_contradictions(body: Mapping[str, Any]) -> None:
    """Refuse what the service would refuse for certain.

    Args:
        body: The request's body.

    Raises:
        ValueError: Names both fields.
    """
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise ValueError(
            "max_tokens and max_completion_tokens exclude each other: the first bounds the answer alone, "
            "the second answer and thinking together. Set one."
        )
    thinking = body.get("thinking")
    effort = body.get("reasoning_effort")
    disabled = isinstance(thinking, Mapping) and thinking.get("type") == "disabled"
    if disabled and effort not in (None, "none", "minimal"):
        raise ValueError(
            f"thinking is disabled but reasoning_effort is {effort!r}: leave reasoning_effort out, "
            "or enable thinking."
        )
    if "stream_options" in body and not body.get("stream"):
        raise ValueError("stream_options needs stream: use stream() or astream(), or leave stream_options out.")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise ValueError("top_logprobs needs logprobs=True.")
