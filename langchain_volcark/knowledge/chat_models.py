"""Chat model for the VikingDB knowledge base (`ChatVikingKnowledge`).

Follows https://www.volcengine.com/docs/84313/1350013 (chat_completions) and /1544072 (service/chat).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, Field, PlainValidator, SecretStr, model_validator
from typing_extensions import Self, override

from langchain_volcark.base.call_values import CALL_TYPES
from langchain_volcark.base.chat_model import HTTPChatModel
from langchain_volcark.base.values import OptionalNumber, OptionalWhole, Switch, check_field
from langchain_volcark.knowledge.filters import check_filter
from langchain_volcark.knowledge.service import KnowledgeService
from langchain_volcark.knowledge.wire import KnowledgeWire
from langchain_volcark.messages.citations import CitationFields
from langchain_volcark.messages.content_blocks import register

if TYPE_CHECKING:
    from typing import NoReturn

    from langchain_volcark.wires.wire import ModelCall

_NO_TOOLS = (
    "The knowledge base's chat does not support tools or response_format. Use ChatArk (the same Doubao models) or "
    "ChatQianfan, with VikingKnowledgeRetriever for the knowledge base."
)
_NO_TOP_P = "The knowledge base's chat has no top_p: set temperature, or use ChatArk."
_TOOLS = frozenset({"tools", "tool_choice", "response_format"})
_CONSOLE = "A packaged service answers with the model and settings saved in the console"
_OF_A_MODEL = ("temperature", "max_tokens", "thinking", "model_version", "endpoint_api_key")

_RESULTS = CitationFields(
    url=("doc_info.url", "url"),
    title=("doc_info.title", "doc_info.doc_name", "title", "doc_name", "chunk_title"),
    cited_text=("content", "md_content"),
)

register("vikingdb", sources={"references": _RESULTS})


class ChatVikingKnowledge(KnowledgeService, HTTPChatModel, defer_build=False):
    """Chat models of the VikingDB knowledge base (知识库), and its packaged services.

    The class makes one of two calls. With `model` it is a plain model call without access to any knowledge base:
    search first (`VikingKnowledgeRetriever`, or `knowledge_chain` for both steps). With `service_resource_id` it
    calls a service configured in the console, which searches and answers in one call and returns its sources.

    Setup:
        ```bash
        export VOLC_ACCESSKEY="AKLT…" VOLC_SECRETKEY="…"   # both calls
        export VOLC_KNOWLEDGE_API_KEY="…"                  # instead, for a packaged service
        ```

    Key init args:
        model: Public model name (`Doubao-1-5-pro-32k`) or endpoint id (`ep-…`). Public names share a low rate
            limit and are meant for testing.
        endpoint_api_key: Ark API key of the endpoint's owner.
        service_resource_id: Packaged service (`kb-service-…`), instead of a model.
        temperature: 0 to 1. max_tokens: 0 to 4096.
        stop: The service does not support it; the client cuts the answer.

    Example:
        ```python
        from langchain_volcark import ChatVikingKnowledge

        model = ChatVikingKnowledge(model="Doubao-1-5-pro-32k")
        print(model.invoke("你好").text)

        service = ChatVikingKnowledge(service_resource_id="kb-service-0000demo")
        answer = service.invoke("When does the ferry leave?")
        print(answer.text, [source["doc_info"]["doc_name"] for source in answer.response_metadata["references"]])
        ```

    Response metadata:
        `model_name` (from the reply, else from the request), `model_provider`, `request_id`, `finish_reason` where
        the service sends one; for a packaged service `references` (its `result_list`, which `content_blocks`
        show as citations), `rewrite_query`, `count`, `token_usage`, `prompt`.
    """

    model: str = Field(default="", validation_alias=AliasChoices("model", "model_name"))
    """Public model name or `ep-…` id; also per call as `model=`."""
    service_resource_id: str | None = None
    """Packaged service, `kb-service-…`; cannot be combined with `model` and its settings."""
    endpoint_api_key: SecretStr | None = None
    """Ark API key of the owner of the `ep-…` endpoint."""
    model_version: str | None = None
    """Version of a public model, such as `250115`."""
    temperature: OptionalNumber = Field(default=None, ge=0, le=1)
    """0 to 1; the service's default is 0.1."""
    max_tokens: OptionalWhole = Field(default=None, ge=0, le=4096)
    """Maximum length of the answer in tokens, 0 to 4096; the service's default is 4096."""
    thinking: Literal["enabled", "disabled", "auto"] | dict[str, Any] | None = None
    """Thinking mode: a string, or the API's `thinking` object."""
    doc_filter: Annotated[Any, PlainValidator(check_filter)] | None = None
    """Filter for the search of a packaged service, added to its saved filter; see `knowledge.filters`."""

    provider: ClassVar[str] = "vikingdb"
    body_fields: ClassVar[tuple[str, ...]] = ("temperature", "max_tokens", "thinking", "model_version")
    call_fields: ClassVar[tuple[str, ...]] = (
        *HTTPChatModel.call_fields,
        "top_p",
        "doc_filter",
        "service_resource_id",
    )
    call_types: ClassVar[Mapping[str, Any]] = {
        **{name: kind for name, kind in CALL_TYPES.items() if name not in _TOOLS},
        "return_token_usage": Switch,
        "query_param": dict[str, Any],
    }

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.service_resource_id:
            if self.model == self.service_resource_id:  # set below when the object was validated before
                self.__dict__["model"] = ""
            given = [name for name in ("model", *_OF_A_MODEL) if getattr(self, name) not in (None, "")]
            if given:
                raise ValueError(f"service_resource_id excludes {', '.join(given)}: {_CONSOLE}. Leave one out.")
            self.__dict__["model"] = self.service_resource_id
        elif not self.model:
            raise ValueError("Set model=… for a plain model call, or service_resource_id=… for a service.")
        elif self.doc_filter is not None:
            raise ValueError(
                "doc_filter belongs to a search: a plain model call uses no knowledge base. "
                "Set service_resource_id, or pass the filter to VikingKnowledgeRetriever."
            )
        if self.top_p is not None:
            raise ValueError(_NO_TOP_P)
        if self.model.startswith("ep-") and self.endpoint_api_key is None:
            warnings.warn(
                f"Without endpoint_api_key (the Ark key that owns {self.model}) the service answers through "
                "the public endpoint and bills the knowledge base for it.",
                stacklevel=2,
            )
        return self

    @property
    def _llm_type(self) -> str:
        return "vikingdb-knowledge-chat"

    def _prefers_key(self) -> bool:
        return bool(self.service_resource_id) or super()._prefers_key()

    # --- requests -----------------------------------------------------------------------------------------

    def _adjust_call(self, values: dict[str, Any]) -> dict[str, Any]:
        if any(values.get(name) is not None for name in _TOOLS):
            raise ValueError(_NO_TOOLS)
        if values.get("top_p") is not None:
            raise ValueError(_NO_TOP_P)
        if self.service_resource_id or values.get("service_resource_id"):
            given = [name for name in _OF_A_MODEL if values.get(name) is not None]
            if given:
                raise ValueError(f"service_resource_id excludes {', '.join(given)}: {_CONSOLE}. Leave one out.")
        return values

    def _wire(self, call: ModelCall) -> KnowledgeWire:  # noqa: ARG002 - both calls have the same format
        return KnowledgeWire(self.provider, self._finish_body)

    def _finish_body(self, body: dict[str, Any], call: ModelCall) -> None:
        if _TOOLS & body.keys():
            raise ValueError(_NO_TOOLS)
        doc_filter = body.pop("doc_filter", None)
        if self.service_resource_id or "service_resource_id" in body:
            self._finish_service_body(body, doc_filter)
            return
        if doc_filter is not None:
            raise ValueError("doc_filter belongs to a search; a plain model call uses no knowledge base.")
        if isinstance(body.get("thinking"), str):
            body["thinking"] = {"type": body["thinking"]}
        # model_kwargs and extra_body are merged by now, so their values are checked too.
        for name in ("temperature", "max_tokens"):
            if body.get(name) is not None:
                body[name] = check_field(type(self), name, body[name])
        if call.stream_usage:
            body.setdefault("return_token_usage", True)
        if self.endpoint_api_key is not None:
            body.setdefault("api_key", self.endpoint_api_key.get_secret_value())

    def _finish_service_body(self, body: dict[str, Any], doc_filter: Mapping[str, Any] | None) -> None:
        body.setdefault("service_resource_id", self.service_resource_id)
        model = body.pop("model", None)
        if model not in (None, "", self.model, self.service_resource_id):
            raise ValueError(f"model={model!r} cannot be chosen here. {_CONSOLE}.")
        chosen = self.doc_filter if doc_filter is None else doc_filter
        if chosen is not None:
            body["query_param"] = {**(body.get("query_param") or {}), "doc_filter": dict(chosen)}
        if not body["messages"] or body["messages"][-1].get("role") != "user":
            raise ValueError("A packaged service answers the last message, which must be the user's.")

    # --- what the service cannot do -----------------------------------------------------------------------

    @override
    def bind_tools(self, *_: Any, **__: Any) -> NoReturn:
        """Not supported: the service's request has no field for tools (https://www.volcengine.com/docs/84313/1350013).

        Raises:
            NotImplementedError: Always; the message names the classes that support tools.
        """
        raise NotImplementedError(_NO_TOOLS)

    @override
    def with_structured_output(self, *_: Any, **__: Any) -> NoReturn:
        """Not supported: the service's request has neither tools nor `response_format` (same page).

        Raises:
            NotImplementedError: Always; the message names the classes that support structured output.
        """
        raise NotImplementedError(_NO_TOOLS)
