"""The emulator's knowledge base by itself: documents from a folder, rules, refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_volcark import VikingKnowledgeRetriever
from langchain_volcark.emulator import Emulator
from langchain_volcark.emulator.grounding import Source, answer_from, sources_in
from langchain_volcark.emulator.knowledge.corpus import load
from langchain_volcark.volcengine_signing import VolcSignatureAuth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "zh").mkdir()
    (tmp_path / "guide.md").write_text(
        "---\nlang: en\nyear: 2024\nprice: 1.5\nopen: true\ntags: [a, b]\n---\n# Guide\n\nIntro.\n\n## Rooms\n\n"
        + "A room has a bed. " * 50
        + "\n\n"
        + "A suite has two rooms. " * 50,
        encoding="utf-8",
    )
    (tmp_path / "zh" / "说明.txt").write_text("早餐七点开始。", encoding="utf-8")
    (tmp_path / "help.faq.csv").write_text("question,answer\nIs there a pool?,Yes.\n", encoding="utf-8")
    (tmp_path / "prices.csv").write_text("room,price\nsingle,80\n", encoding="utf-8")
    (tmp_path / "pool-at-night.png").write_bytes(b"\x89PNG")
    (tmp_path / "ignored.bin").write_bytes(b"\0")
    return tmp_path


def test_a_folder_fills_the_collection(folder: Path) -> None:
    with Emulator(documents=folder) as server:
        retriever = VikingKnowledgeRetriever(
            collection_name="demo",
            k=50,
            access_key=server.access_key,
            secret_key=server.secret_key,
            base_url=server.knowledge_base_url,
        )
        found = retriever.invoke("rooms")
        by_name: dict[str, list[Any]] = {}
        for document in found:
            by_name.setdefault(document.metadata["doc_name"], []).append(document)
        assert set(by_name) == {"guide.md", "说明.txt", "help.faq.csv", "prices.csv", "pool-at-night.png"}
        assert len(by_name["guide.md"]) == 3
        guide = by_name["guide.md"][0].metadata
        assert guide["title"] == "Guide"
        assert guide["doc_meta"] == {"lang": "en", "year": 2024, "price": 1.5, "open": True, "tags": ["a", "b"]}
        assert retriever.invoke("早餐几点？", k=1)[0].page_content == "早餐七点开始。"
        assert retriever.invoke("Is there a pool?", k=1)[0].metadata["doc_type"] == "faq.xlsx"
        assert retriever.invoke("single room price", k=1)[0].page_content == "room: single\nprice: 80"


def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is none"):
        Emulator(documents=tmp_path / "absent")
    with pytest.raises(ValueError, match="nothing that can be read"):
        Emulator(documents=tmp_path)


def test_the_command_takes_a_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "langchain_volcark.emulator", "--documents", str(tmp_path / "absent")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "documents must be a folder" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_windows_line_ends_and_byte_order_marks_are_read() -> None:
    collection = load("x", [("a.md", b"\xef\xbb\xbf---\r\nlang: en\r\n---\r\n# Title\r\n\r\nText.\r\n", 0)])
    (chunk,) = collection.chunks
    assert (chunk.doc.title, chunk.content, chunk.doc.fields) == ("Title", "Text.", {"lang": "en"})


MESSAGES = [{"role": "user", "content": "hi"}]
CHAT = {"model": "Doubao-1-5-pro-32k", "messages": MESSAGES}
SEARCH = {"name": "demo", "query": "ferry"}
REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("chat/completions", {**CHAT, "model": ""}, 1000003),
    ("chat/completions", {**CHAT, "messages": []}, 1000003),
    ("chat/completions", {**CHAT, "messages": [{"role": "tool", "content": "x"}]}, 1000003),
    ("chat/completions", {**CHAT, "temperature": 1.1}, 1000003),
    ("chat/completions", {**CHAT, "max_tokens": 4097}, 1000003),
    ("chat/completions", {**CHAT, "stop": ["x"]}, 1000003),
    ("chat/completions", {**CHAT, "model_version": "999999"}, 1000003),
    ("chat/completions", {**CHAT, "stream": "yes"}, 1000003),
    ("chat/completions", {**CHAT, "thinking": {"type": "sometimes"}}, 1000003),
    ("collection/search_knowledge", {"query": "x"}, 1000003),
    ("collection/search_knowledge", {"name": "other", "query": "x"}, 1000005),
    ("collection/search_knowledge", {**SEARCH, "project": "other"}, 1000005),
    ("collection/search_knowledge", {**SEARCH, "query": ""}, 1000003),
    ("collection/search_knowledge", {**SEARCH, "query": "x" * 8001}, 1000003),
    ("collection/search_knowledge", {**SEARCH, "limit": 0}, 1000003),
    ("collection/search_knowledge", {**SEARCH, "limit": 201}, 1000003),
    ("collection/search_knowledge", {**SEARCH, "dense_weight": 0.1}, 1000003),
    ("collection/search_knowledge", {**SEARCH, "pre_processing": {"rewrite": True}}, 1000003),
    (
        "collection/search_knowledge",
        {**SEARCH, "pre_processing": {"messages": [{"role": "assistant", "content": "x"}]}},
        1000003,
    ),
    (
        "collection/search_knowledge",
        {**SEARCH, "limit": 9, "post_processing": {"rerank_switch": True, "retrieve_count": 8}},
        1000003,
    ),
    (
        "collection/search_knowledge",
        {**SEARCH, "query_param": {"doc_filter": {"op": "near", "field": "lang"}}},
        1000019,
    ),
    ("service/chat", {"messages": MESSAGES}, 1000003),
    ("service/chat", {"service_resource_id": "kb-service-none", "messages": MESSAGES}, 1000011),
    ("service/rerank", {"datas": []}, 1000003),
    ("service/rerank", {"datas": [{"query": "x", "content": "y"}] * 201}, 1000003),
    ("service/rerank", {"datas": [{"content": "y"}]}, 1000003),
    ("service/rerank", {"datas": [{"query": "x", "content": "y"}], "rerank_model": "none"}, 1000003),
    ("doc/add", {}, 1000024),
]


@pytest.mark.parametrize(("path", "body", "code"), REFUSED)
def test_requests_that_break_a_rule(emulator: Emulator, path: str, body: dict[str, Any], code: int) -> None:
    auth = VolcSignatureAuth(emulator.access_key, emulator.secret_key, region="cn-north-1", service="air")
    reply = httpx.post(f"{emulator.knowledge_base_url}/api/knowledge/{path}", json=body, auth=auth)
    assert reply.json()["code"] == code
    assert reply.json()["data"] is None
    assert reply.json()["request_id"] == reply.headers["x-tt-logid"]
    assert reply.status_code >= 400


def test_nobody_is_let_in_without_credentials(emulator: Emulator) -> None:
    url = f"{emulator.knowledge_base_url}/api/knowledge/chat/completions"
    reply = httpx.post(url, json=CHAT)
    assert (reply.status_code, reply.json()["code"]) == (403, 1000001)
    reply = httpx.post(url, json=CHAT, headers={"Authorization": "HMAC-SHA256 nonsense"})
    assert (reply.status_code, reply.json()["ResponseMetadata"]["Error"]["Code"]) == (401, "InvalidAuthorization")
    assert httpx.get(f"{emulator.knowledge_base_url}/ping").status_code == 403


def test_a_stream_is_written_as_documented(emulator: Emulator) -> None:
    auth = VolcSignatureAuth(emulator.access_key, emulator.secret_key, region="cn-north-1", service="air")
    url = f"{emulator.knowledge_base_url}/api/knowledge/chat/completions"
    body = {**CHAT, "stream": True, "return_token_usage": True}
    events = httpx.post(url, json=body, auth=auth).text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    payloads = [json.loads(event.removeprefix("data:")) for event in events[:-2]]
    assert "".join(payload["data"]["generated_answer"] for payload in payloads) == "You said: hi"
    assert [("end" in payload["data"]) for payload in payloads] == [False] * (len(payloads) - 1) + [True]
    assert json.loads(payloads[-1]["data"]["usage"])["total_tokens"] > 0
    assert len({payload["request_id"] for payload in payloads}) == 1


def test_answers_are_made_of_the_material() -> None:
    material = "Use this.\n<context>\n[3]\ndoc_name: a\ncontent: Pay 1.50 at the pier. Dogs are free.\n---\nCats pay.\n</context>"
    sources = sources_in(material)
    assert sources == [Source(3, "content: Pay 1.50 at the pier. Dogs are free."), Source(2, "Cats pay.")]
    assert answer_from("Are dogs free?", sources) == "Dogs are free. [3]"
    assert answer_from("What do I pay at the pier?", sources).startswith("Pay 1.50 at the pier. [3]")
    assert answer_from("quantum physics", sources) == "The material does not answer that."
    assert answer_from("量子物理", sources) == "材料中没有答案。"
    assert sources_in("no material") == []
