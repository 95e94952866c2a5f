"""A turn: hosted tools first, then calls of functions or the answer, within the limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.answer import compose
from langchain_volcark.emulator.ark.calls import is_named, shared_words
from langchain_volcark.emulator.ark.responses import apps, mcp, search
from langchain_volcark.emulator.ark.responses.content import TRANSLATION
from langchain_volcark.emulator.ark.responses.conversation import said_by
from langchain_volcark.emulator.ark.responses.output import Found, Output, item_id, message_item, reasoning_item
from langchain_volcark.emulator.ark.responses.tools import functions_of
from langchain_volcark.emulator.ark.wording import last_user_text, reasoning, report

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.answer import Reply
    from langchain_volcark.emulator.ark.calls import ToolCall
    from langchain_volcark.emulator.ark.request import ChatRequest
    from langchain_volcark.emulator.ark.responses.request import ResponsesRequest
    from langchain_volcark.emulator.knowledge.corpus import Collection

Json = dict[str, Any]

RAW_THINKING = "EMULATOR_RAW_THINKING"


async def run(request: ResponsesRequest, collections: list[Collection]) -> Output:
    """Answer a request by the rules in the package's docstring."""
    if request.makes_prefix:
        return Output([], Found(), 0)
    question = last_user_text(request.chat.messages)
    found = await _hosted(request, question, collections)
    if found.ends:
        return Output(found.items, found, _thought(found.items))
    chat = _rest(request, found)
    reply = compose(chat, 0, _text(request, found))
    return _output(request, found, reply, question)


async def _hosted(request: ResponsesRequest, question: str, collections: list[Collection]) -> Found:
    """What the hosted tools do: after a user's words, or an answer to their request for approval."""
    if mcp.new_approvals(request):
        return await mcp.answer_approvals(request)
    found = Found()
    if request.items[-1].get("role") != "user" or not _searches(request, question):
        return found
    chosen = request.choice if isinstance(request.choice, dict) else None
    for tool in request.hosted:
        kind = tool["type"]
        label = chosen.get("server_label", tool.get("server_label")) if chosen else None
        if chosen and (chosen["type"] != kind or tool.get("server_label") != label):
            continue
        forced = chosen is not None or request.choice == "required"
        if kind == "web_search":
            found.add(search.web_search(request, tool, question, forced=forced))
        elif kind == "knowledge_search":
            found.add(search.knowledge_search(request, tool, question, collections))
        elif kind == "mcp":
            found.add(await mcp.use(request, tool, question, forced=forced))
        elif kind == "image_process":
            found.add(apps.image_process(request, tool, question))
        else:
            found.add(apps.doubao_app(tool, question))
        if found.ends:
            break
    return found


def _searches(request: ResponsesRequest, question: str) -> bool:
    """Whether hosted tools may run: not where a function was chosen, nor where functions alone are named."""
    if request.choice == "none" or not request.hosted:
        return False
    if isinstance(request.choice, dict):
        return bool(request.choice["type"] != "function")
    named = any(is_named(one, question) for one in functions_of(request.tools))
    return not named or search.asks_to_search(question)


def _rest(request: ResponsesRequest, found: Found) -> ChatRequest:
    """What is left to the model once the hosted tools are done."""
    chat = request.chat
    body = dict(chat.body)
    spent = sum(tokens.count(text) for text in _thoughts(found.items))
    body["max_completion_tokens"] = max(1, body["max_completion_tokens"] - spent)
    if mcp.new_approvals(request):
        body.pop("tools", None)
    elif request.hosted and request.choice in ("auto", "required") and chat.messages[-1]["role"] == "user":
        # Beside hosted tools a function is called where the question mentions it, not because it is the first.
        question = last_user_text(chat.messages)
        is_asked_for = any(is_named(one, question) or shared_words(one, question) for one in chat.tools)
        if not is_asked_for and (found.items or request.choice == "auto"):
            body.pop("tools", None)
    return replace(chat, body=body)


def _text(request: ResponsesRequest, found: Found) -> str | None:
    """The answer's text, where a hosted tool or a translation model decides it; None where the chat rules do."""
    chat = request.chat
    if "response_format" in chat.body:
        return None
    if request.model.id.startswith(TRANSLATION):
        return _translation(request)
    if not found.text:
        return None
    if chat.messages[-1]["role"] == "tool":
        return f"{report(chat.messages)}. {found.text}"
    return found.text


def _translation(request: ResponsesRequest) -> str:
    last = next(item for item in reversed(request.items) if item.get("role") == "user")
    content = last["content"]
    options = content[0].get("translation_options", {}) if isinstance(content, list) else {}
    return f"[{options.get('target_language', 'en')}] {said_by(last)}"


def _output(request: ResponsesRequest, found: Found, reply: Reply, question: str) -> Output:
    cut = reply.finish_reason == "length"
    items = list(found.items)
    reasoning_tokens = _thought(items)
    if reply.reasoning:
        alone = cut and not reply.content and not reply.calls
        items.append(_reasoning(request, reply, question, status="incomplete" if alone else "completed"))
        reasoning_tokens += reply.reasoning_tokens
    status = "incomplete" if cut else "completed"
    if reply.content or not (cut or reply.calls):
        partial = request.chat.prefill is not None
        used = [] if "response_format" in request.chat.body or reply.calls else found.annotations
        items.append(message_item(reply.content, used, status=status, partial=partial))
    for place, call in enumerate(reply.calls):
        whole = not cut or place < len(reply.calls) - 1
        items.append(_function_call(request, call, status="completed" if whole else "incomplete"))
    reason: Json | None = {"reason": "length"} if cut else None
    if reply.finish_reason == "content_filter":
        status = "incomplete"
        reason = {"reason": "content_filter", "content_filter": {"type": "output", "details": "severe_violation"}}
    return Output(items, found, reasoning_tokens, status if reason else "completed", reason, reply.refused)


def _reasoning(request: ResponsesRequest, reply: Reply, question: str, *, status: str) -> Json:
    model = request.model
    raw = RAW_THINKING in question
    shown = reply.reasoning
    if request.summarises and not raw and status == "completed":
        shown = reasoning(question, "low", [call.name for call in reply.calls])
    sealed = request.seals and status == "completed"
    return reasoning_item(shown, model, sealed=sealed, status=status, raw=raw)


def _function_call(request: ResponsesRequest, call: ToolCall, *, status: str) -> Json:
    offered = next((one for one in functions_of(request.tools) if one["name"] == call.name), {})
    # Recorded of the older ones: a blank before the arguments.
    blank = " " if request.model.id.startswith("doubao-seed-1-") else ""
    item: Json = {
        "arguments": f"{blank}{call.arguments}",
        "call_id": call.id,
        "name": call.name,
        "type": "function_call",
        "id": item_id("fc"),
        "status": status,
    }
    if "namespace" in offered:
        item["namespace"] = offered["namespace"]
    return item


def _thoughts(items: list[Json]) -> list[str]:
    return [part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"]]


def _thought(items: list[Json]) -> int:
    return sum(tokens.count(text) for text in _thoughts(items))
