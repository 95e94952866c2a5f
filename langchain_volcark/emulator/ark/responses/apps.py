"""Hosted tools that look at a picture, and Doubao's own apps.

https://www.volcengine.com/docs/82379/1798161 and https://www.volcengine.com/docs/82379/1978533.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.bot_sources import WEB, search, weather
from langchain_volcark.emulator.ark.responses.output import Found, item_id, reasoning_item
from langchain_volcark.emulator.ark.responses.tools import OPERATIONS, enabled_features
from langchain_volcark.emulator.ark.wording import echo, reasoning

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.bot_sources import Source
    from langchain_volcark.emulator.ark.responses.request import ResponsesRequest

Json = dict[str, Any]

_INDEX = re.compile(r"image\s+(\d{1,3})|第(\d{1,3})张", re.IGNORECASE)
_WORD = re.compile(r"EMULATOR_\w+")
_BLOCKS = {
    "chat": ("output_text",),
    "deep_chat": ("reasoning_text", "output_text"),
    "ai_search": ("search", "output_text"),
    "reasoning_search": ("reasoning_text", "reasoning_search", "output_text"),
}


def image_process(request: ResponsesRequest, tool: Json, question: str) -> Found:
    """Work on a picture of the user's message, where it has one: as the words say, else in the first way allowed.

    `image 3` means the third; one that is not there makes it fail.
    """
    pictures = _pictures(request.items)
    allowed = [name for name in OPERATIONS if tool.get(name, {}).get("type", "enabled") == "enabled"]
    if not pictures or not allowed:
        return Found()
    operation = next((name for name in allowed if name in question.lower()), allowed[0])
    named = _INDEX.search(question)
    index = int(named[1] or named[2]) - 1 if named else 0
    found = Found(usage={"image_process": 1}, details={"image_process": {operation: 1}})
    if request.chat.thinking:
        found.items.append(
            reasoning_item(f"I will use {operation} on the image.", request.model, sealed=request.seals)
        )
    item: Json = {
        "type": "image_process",
        "id": item_id("ip"),
        "status": "completed",
        "action": {"type": operation},
        "arguments": _arguments(operation, index),
    }
    if 0 <= index < pictures:
        signature = secrets.token_hex(16)
        item["action"]["result_image_url"] = (
            f"https://images.example.com/{item['id']}.png?X-Tos-Signature={signature}"
        )
    else:
        item["status"] = "failed"
        item["error"] = {"message": "invalid image index"}
    found.items.append(item)
    return found


def _pictures(items: list[Json]) -> int:
    """How many pictures the last user message has."""
    last = next((item for item in reversed(items) if item.get("role") == "user"), {})
    content = last.get("content", "")
    return 0 if isinstance(content, str) else sum(part["type"] == "input_image" for part in content)


def _arguments(operation: str, index: int) -> Json:
    where: dict[str, Json] = {
        "point": {"draw_line": False, "points": "<point>500 500</point>"},
        "grounding": {"bbox_str": "<bbox>100 100 900 900</bbox>"},
        "zoom": {"bbox_str": "<bbox>250 250 750 750</bbox>", "scale": 2},
        "rotate": {"degree": 90},
    }
    return {"image_index": index, **where[operation]}


def doubao_app(tool: Json, question: str) -> Found:
    """Let one of Doubao's apps answer; its words are in the blocks of its item."""
    (feature,) = enabled_features(tool)
    said = _WORD.sub("", question).strip()
    sources = [*weather(said, tool.get("user_location", {})), *search(said, WEB)] if "search" in feature else []
    text = " ".join(source.fact for source in sources) or echo(said, {})
    role = tool["feature"][feature].get("role_description")
    contents: dict[str, Json] = {
        "output_text": {"text": f"{role}: {text}" if role else text},
        "reasoning_text": {"reasoning_text": reasoning(said, "low", [])},
        "search": _results(said, sources),
        "reasoning_search": _results(said, sources),
    }
    blocks: list[Json] = []
    for place, kind in enumerate(_BLOCKS[feature]):
        parent = {"parent_id": blocks[-1]["id"]} if kind == "reasoning_search" else {}
        blocks.append({"id": f"block_{place}", "type": kind, "status": "completed", **parent, **contents[kind]})
    item = {
        "type": "doubao_app_call",
        "id": item_id("da"),
        "feature": feature,
        "blocks": blocks,
        "status": "completed",
    }
    material = " ".join(source.fact for source in sources)
    return Found(
        [item], material=material, usage={"doubao_app": 1}, details={"doubao_app": {feature: 1}}, ends=True
    )


def _results(question: str, sources: list[Source]) -> Json:
    pages = [source.reference for source in sources]
    return {
        "summary": f"{len(pages)} pages were read",
        "queries": [question[:100]],
        "results": [
            {"text_card": {"title": page["title"], "sitename": page["site_name"], "url": page["url"]}}
            for page in pages
        ],
    }
