"""Stored responses: shared prefixes, and retrieving, listing and deleting.

Follows https://www.volcengine.com/docs/82379/1783703 (stored responses) and /1602228 (caching).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.object_ids import is_object_id
from langchain_volcark.ark.pages import Pages
from langchain_volcark.ark.responses.routing import CHAINS, SWITCH
from langchain_volcark.ark.responses.wire import PATH
from langchain_volcark.base.chat_model import HTTPChatModel
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.wires.wire import ModelCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from datetime import timedelta
    from typing import Literal

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage

    from langchain_volcark.ark.responses.wire import ResponsesWire
    from langchain_volcark.http.replies import Reply
    from langchain_volcark.wires.tools import ToolLike

_PAGE = 20


@dataclass(frozen=True)
class ArkPrefix:
    """A prefix in the explicit cache, which many conversations share.

    Attributes:
        id: What to bind as `previous_response_id`.
        expire_at: When it expires, in seconds since 1970.
        usage: Token usage of its creation, as the service sent it.
        model: The model it belongs to.
        tools: The tools of all conversations that begin with it; they cannot be given again later.
    """

    id: str
    expire_at: int | None
    usage: Mapping[str, Any]
    model: str
    tools: Sequence[Mapping[str, Any]] = field(default=())


class StoredResponses(HTTPChatModel):
    """A chat model whose responses the service keeps."""

    if TYPE_CHECKING:

        def _responses_wire(self, model: str) -> ResponsesWire: ...

        def _require_api_key(self, what: str) -> None: ...

    # --- prefixes -----------------------------------------------------------------------------------------

    def create_prefix(
        self,
        messages: LanguageModelInput,
        *,
        tools: Sequence[ToolLike] | None = None,
        expire_in: float | timedelta | None = None,
    ) -> ArkPrefix:
        """Store the beginning of conversations in the explicit cache; the model does not answer.

        Args:
            messages: The beginning; at least 256 tokens, with some models 1024.
            tools: The functions of all conversations with this prefix. They are not bound again later.
            expire_in: How long it lasts: seconds or a `timedelta`, at most seven days; the service's default is
                three. It is not renewed by use, and billed by the hour. Choose it longer than the conversations
                that begin with it: they would go on without it.

        Returns:
            The prefix; `delete_response(prefix.id)` frees it.

        Raises:
            ValueError: A hosted tool is among the tools, or an argument that cannot be cached.
            InvalidRequestError: It is too short, or the cache is not activated.

        Example:
            ```python
            prefix = model.create_prefix([SystemMessage(handbook)])
            model.bind(previous_response_id=prefix.id).invoke("How many days of leave?")
            ```
        """
        call = self._prefix_call(messages, tools, expire_in)
        return _read_prefix(self._client.post(self._wire(call).request(call)), call)

    async def acreate_prefix(
        self,
        messages: LanguageModelInput,
        *,
        tools: Sequence[ToolLike] | None = None,
        expire_in: float | timedelta | None = None,
    ) -> ArkPrefix:
        """Same as `create_prefix`, async."""
        call = self._prefix_call(messages, tools, expire_in)
        return _read_prefix(await self._client.apost(self._wire(call).request(call)), call)

    def _prefix_call(
        self,
        messages: LanguageModelInput,
        tools: Sequence[ToolLike] | None,
        expire_in: float | timedelta | None,
    ) -> ModelCall:
        given: dict[str, Any] = {"tools": tools} if tools else {}
        if expire_in is not None:
            given["expire_in"] = expire_in
        return self._call(
            self._convert_input(messages).to_messages(),
            None,
            stream=False,
            extra_body={"caching": {"type": "enabled", "prefix": True}},
            store=True,
            **{SWITCH: True, CHAINS: False},
            **given,
        )

    # --- stored responses ---------------------------------------------------------------------------------

    def retrieve_response(self, response_id: str, *, include: Sequence[str] | None = None) -> AIMessage:
        """Retrieve a stored response; the service returns it without its reasoning.

        Args:
            response_id: `response_metadata["response_id"]` of the message.
            include: Additional contents of the reply, such as `"message.input_image.image_url"`.

        Returns:
            The answer.

        Raises:
            NotFoundError: It has expired, was deleted or never stored.
            ValueError: The model uses an access key pair; the service accepts only an API key here.
        """
        request = self._stored_request("GET", response_id, query=_included(include))
        return self._retrieved(self._client.post(request))

    async def aretrieve_response(self, response_id: str, *, include: Sequence[str] | None = None) -> AIMessage:
        """Same as `retrieve_response`, async."""
        request = self._stored_request("GET", response_id, query=_included(include))
        return self._retrieved(await self._client.apost(request))

    def delete_response(self, response_id: str) -> bool:
        """Delete a stored response or a prefix.

        Responses that continue it stay, without what it held.

        Args:
            response_id: Its id.

        Returns:
            Whether the service confirms the deletion.

        Raises:
            NotFoundError: It does not exist.
            ValueError: The model uses an access key pair; the service accepts only an API key here.
        """
        return _read_deleted(self._client.post(self._stored_request("DELETE", response_id)))

    async def adelete_response(self, response_id: str) -> bool:
        """Same as `delete_response`, async."""
        return _read_deleted(await self._client.apost(self._stored_request("DELETE", response_id)))

    def list_response_input_items(
        self, response_id: str, *, include: Sequence[str] | None = None, order: Literal["asc", "desc"] = "desc"
    ) -> Iterator[dict[str, Any]]:
        """List the input items of a stored response, those of earlier turns of its chain included.

        Args:
            response_id: Its id.
            include: Additional contents of the reply, such as `"message.input_image.image_url"`.
            order: `"desc"` returns the latest first.

        Yields:
            The items as the service sends them; further pages are requested when needed.

        Raises:
            NotFoundError: The response does not exist.
            ValueError: The model uses an access key pair; the service accepts only an API key here.
        """
        pages = _pages(include, order)
        while not pages.done:
            request = self._stored_request("GET", response_id, "/input_items", pages.query())
            yield from self._read_reply(self._client.post(request), pages.read)

    async def alist_response_input_items(
        self, response_id: str, *, include: Sequence[str] | None = None, order: Literal["asc", "desc"] = "desc"
    ) -> AsyncIterator[dict[str, Any]]:
        """Same as `list_response_input_items`, async."""
        pages = _pages(include, order)
        while not pages.done:
            request = self._stored_request("GET", response_id, "/input_items", pages.query())
            for item in self._read_reply(await self._client.apost(request), pages.read):
                yield item

    def _stored_request(
        self,
        method: Literal["GET", "DELETE"],
        response_id: str,
        under: str = "",
        query: Mapping[str, Any] | None = None,
    ) -> ServiceRequest:
        if not is_object_id(response_id):
            raise ValueError(f"response_id must be the id of a response, not {response_id!r}.")
        self._require_api_key("stored responses")
        return ServiceRequest(f"{PATH}/{response_id}{under}", {}, query=query or {}, method=method)

    def _retrieved(self, reply: Reply) -> AIMessage:
        call = ModelCall((), self.model_name, {})
        message: Any = self._result(self._responses_wire(self.model_name), call, reply).generations[0].message
        return message  # type: ignore[no-any-return]


def _included(include: Sequence[str] | None) -> dict[str, Any]:
    return {"include[]": list(include)} if include else {}


def _read_prefix(reply: Reply, call: ModelCall) -> ArkPrefix:
    payload = reply.payload
    tools = call.parameters.get("tools") or ()
    expires = payload.get("expire_at")
    return ArkPrefix(
        id=str(payload.get("id") or ""),
        expire_at=expires if isinstance(expires, int) else None,
        usage=payload.get("usage") or {},
        model=call.model,
        tools=tuple(tools),
    )


def _read_deleted(reply: Reply) -> bool:
    return bool(reply.payload.get("deleted"))


def _pages(include: Sequence[str] | None, order: str) -> Pages:
    return Pages({**_included(include), "order": order}, _PAGE)
