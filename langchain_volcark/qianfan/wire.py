"""Wire format of Qianfan V2: its differences from standard chat completions.

Follows https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from typing_extensions import override

from langchain_volcark.base.values import Whole, check_value, within
from langchain_volcark.qianfan.profiles import find_family
from langchain_volcark.wires.chat_completions.replies import read_payload
from langchain_volcark.wires.chat_completions.wire import ChatCompletionsWire
from langchain_volcark.wires.structured_output import json_schema_format

if TYPE_CHECKING:
    from langchain_volcark.messages.deltas import StreamDelta

_SEARCH_STATUS = "search_status"
_Results = Annotated[Whole, within(1, 28, words="1 to 28")]


class QianfanWire(ChatCompletionsWire):
    """Wire format of Qianfan's V2 chat API."""

    @override
    def finish_body(self, body: dict[str, Any]) -> None:
        if "request_metadata" in body:
            body["metadata"] = body.pop("request_metadata")
        if isinstance(body.get("thinking"), str):
            body["thinking"] = {"type": body["thinking"]}
        if isinstance(body.get("web_search"), bool):
            body["web_search"] = {"enable": body["web_search"]}
        if "response_format" in body and not isinstance(body["response_format"], dict):
            body["response_format"] = json_schema_format(body["response_format"])
        refuse_contradictions(body)

    @override
    def read_payload(self, payload: Mapping[str, Any]) -> StreamDelta:
        return without_search_status(read_payload(payload))

    @override
    def no_answer(self, payload: Mapping[str, Any]) -> str:
        if "result" in payload:
            return "it has 'result' and no 'choices', so api_version=\"v2\" may be wrong"
        return "it holds no answer in 'choices'"


def without_search_status(delta: StreamDelta) -> StreamDelta:
    """Move the status of a running web search (`enable_status`) from the answer text to the metadata.

    Args:
        delta: The delta of a stream payload.

    Returns:
        The same delta.
    """
    for fields in (delta.metadata, delta.additional_kwargs):
        if fields.get("delta_tag") == _SEARCH_STATUS:
            del fields["delta_tag"]
            delta.metadata[_SEARCH_STATUS], delta.text = delta.text, ""
    return delta


def refuse_contradictions(body: Mapping[str, Any]) -> None:
    """Raise for combinations of fields that the service is known to refuse.

    Args:
        body: Body of a V2 request.

    Raises:
        ValueError: The message names the fields.
    """
    if "thinking" in body and "enable_thinking" in body:
        raise ValueError("thinking and enable_thinking are the same switch for different models: set one.")
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
