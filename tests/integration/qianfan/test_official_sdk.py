"""Baidu's official SDK works with the emulator, and sends the same requests as this package."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_volcark import ChatQianfan, QianfanEmbeddings
from langchain_volcark.emulator import Emulator, RecordedRequest
from langchain_volcark.qianfan.signing import sign
from tests.calls import request_of
from tests.json_types import typed

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv" / "qianfan-sdk" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
USER = {"role": "user", "content": "Wie spät ist es in 杭州?"}
HISTORY = [USER, {"role": "assistant", "content": "Spät."}, {"role": "user", "content": "Wie spät in 杭州?"}]

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="the official SDK is not installed: run python scripts/qianfan_sdk.py"
)


def run_sdk(
    emulator: Emulator, tasks: list[dict[str, Any]], **environment: str
) -> tuple[Any, list[RecordedRequest]]:
    """The SDK's replies, and the requests it sent to the services themselves."""
    emulator.reset()
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("QIANFAN_")},
        "QIANFAN_DOT_ENV_CONFIG_FILE": os.devnull,
        "QIANFAN_BASE_URL": emulator.origin,
        "QIANFAN_CONSOLE_API_BASE_URL": emulator.origin,
        "QIANFAN_IAM_BASE_URL": emulator.origin,
        "QIANFAN_LLM_API_RETRY_COUNT": "1",
        **environment,
    }
    done = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("sdk_calls.py"))],
        input=json.dumps(tasks),
        capture_output=True,
        text=True,
        env=variables,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    sent = [one for one in emulator.requests if "/chat/" in one.path or "/embeddings/" in one.path]
    return json.loads(done.stdout), sent


def without_additions(body: dict[str, Any]) -> dict[str, Any]:
    """A body of the SDK without what it adds of its own: who it is, and `stream: false`."""
    kept = {name: value for name, value in body.items() if name != "extra_parameters"}
    if kept.get("stream") is False:
        del kept["stream"]
    return kept


def messages(sent: list[dict[str, Any]]) -> list[BaseMessage]:
    return [HumanMessage(one["content"]) if one["role"] == "user" else AIMessage(one["content"]) for one in sent]


def own_body(chat: ChatQianfan, conversation: list[BaseMessage], *, stream: bool = False, **options: Any) -> Any:
    return dict(request_of(chat, conversation, options.pop("stop", None), stream=stream, **options).body)


V1_OPTIONS: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.8,
    "penalty_score": 1.1,
    "stop": ["###"],
    "user_id": "u-1",
}
V1_TASKS = [
    {"kind": "chat", "version": "1", "options": {"endpoint": "ngx_t", "messages": HISTORY, **V1_OPTIONS}},
    {"kind": "chat", "version": "1", "options": {"endpoint": "ngx_t", "messages": [USER], "stream": True}},
    {
        "kind": "chat",
        "version": "1",
        "options": {"model": "ERNIE-3.5-8K", "messages": [USER], "system": "Be terse."},
    },
    {"kind": "embeddings", "options": {"model": "bge-large-zh", "texts": ["a", "b"]}},
]


def check_v1(emulator: Emulator, replies: Any, sent: list[RecordedRequest]) -> None:
    whole, stream, preset, embeddings = replies
    assert whole["result"].startswith(" 你说：Wie spät in")
    assert "".join(event["result"] for event in stream).startswith(" 你说：")
    assert [event["is_end"] for event in stream][-2:] == [False, True]
    assert preset["finish_reason"] == "normal"
    base = {"api_version": "v1", "base_url": emulator.qianfan_v1_base_url, "access_token": "t"}
    custom, named = ChatQianfan(endpoint="ngx_t", **base), ChatQianfan(model="ERNIE-3.5-8K", **base)
    ours = [
        own_body(custom, messages(HISTORY), **V1_OPTIONS),
        own_body(custom, messages([USER]), stream=True),
        own_body(named, messages([USER]), system="Be terse."),
    ]
    assert typed([without_additions(one.json) for one in sent[:3]]) == typed(ours)
    assert [one.path.rpartition("/")[2] for one in sent] == ["ngx_t", "ngx_t", "completions", "bge_large_zh"]
    assert without_additions(sent[3].json) == {"input": ["a", "b"]}
    vectors = QianfanEmbeddings(
        api_version="v1",
        model="bge-large-zh",
        access_token=emulator.qianfan_access_token,
        base_url=emulator.qianfan_v1_base_url,
    ).embed_documents(["a", "b"])
    assert {row["index"]: row["embedding"] for row in embeddings["data"]} == dict(enumerate(vectors))


def test_v1_with_the_applications_pair(emulator: Emulator) -> None:
    replies, sent = run_sdk(emulator, V1_TASKS, QIANFAN_AK=emulator.client_id, QIANFAN_SK=emulator.client_secret)
    exchange = next(one for one in emulator.requests if one.path == "/oauth/2.0/token")
    ours = ChatQianfan(
        api_version="v1",
        endpoint="ngx_t",
        base_url=emulator.qianfan_v1_base_url,
        client_id=emulator.client_id,
        client_secret=emulator.client_secret,
        token_url=emulator.token_url,
    )
    emulator.reset()
    ours.invoke("hi")
    own = emulator.requests[0]
    assert (own.method, own.path, dict(own.query)) == (exchange.method, exchange.path, dict(exchange.query))
    assert [set(one.query) for one in sent] == [{"access_token"}] * 4
    check_v1(emulator, replies, sent)


def test_v1_with_the_iam_pair_and_its_signatures(emulator: Emulator) -> None:
    pair = {"QIANFAN_ACCESS_KEY": emulator.access_key, "QIANFAN_SECRET_KEY": emulator.secret_key}
    replies, sent = run_sdk(emulator, V1_TASKS, **pair)
    for request in sent:
        prefix, names, signature = request.headers["authorization"].rsplit("/", 2)
        moment = dt.datetime.strptime(request.headers["x-bce-date"], "%Y-%m-%dT%H:%M:%SZ")
        own = sign(
            request.method,
            f"{emulator.origin}{request.path}",
            {name: request.headers[name] for name in names.split(";")},
            access_key=emulator.access_key,
            secret_key=emulator.secret_key,
            now=moment.replace(tzinfo=dt.timezone.utc),
            also_signed=frozenset({"request_id"}),
        )["Authorization"]
        assert own == f"{prefix}/{';'.join(sorted(names.split(';')))}/{signature}"
    check_v1(emulator, replies, sent)


TOOL = {
    "type": "function",
    "function": {"name": "get_tide", "parameters": {"type": "object", "properties": {"port": {"type": "string"}}}},
}
CALL = {"id": "c-1", "type": "function", "function": {"name": "get_tide", "arguments": '{"port": "青岛"}'}}
TOOL_HISTORY = [
    USER,
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c-1", "content": "high"},
]
V2_TASKS = [
    {
        "kind": "chat",
        "version": "2",
        "options": {"model": "ernie-3.5-8k", "messages": HISTORY, "temperature": 0.5},
    },
    {
        "kind": "chat",
        "version": "2",
        "options": {
            "model": "deepseek-v3.2",
            "messages": [USER],
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    },
    {
        "kind": "chat",
        "version": "2",
        "options": {"model": "ernie-3.5-8k", "messages": TOOL_HISTORY, "tools": [TOOL]},
    },
]


@pytest.mark.parametrize("pair", [False, True])
def test_v2_with_an_api_key_and_with_the_iam_pair(emulator: Emulator, pair: bool) -> None:
    key = {"QIANFAN_BEARER_TOKEN": emulator.qianfan_api_key}
    iam = {"QIANFAN_ACCESS_KEY": emulator.access_key, "QIANFAN_SECRET_KEY": emulator.secret_key}
    replies, sent = run_sdk(emulator, V2_TASKS, **(iam if pair else key))
    whole, stream, tools = replies
    assert whole["choices"][0]["message"]["content"].startswith("你说：Wie spät in")
    assert stream[-1]["usage"]["total_tokens"] > 0
    assert "get_tide returned high" in tools["choices"][0]["message"]["content"]
    model = ChatQianfan(model="ernie-3.5-8k", api_key="k")
    called = AIMessage(
        "", tool_calls=[{"name": "get_tide", "args": {"port": "青岛"}, "id": "c-1", "type": "tool_call"}]
    )
    conversation = [HumanMessage(USER["content"]), called, ToolMessage("high", tool_call_id="c-1")]
    ours = [
        own_body(model, messages(HISTORY), temperature=0.5),
        own_body(model, messages([USER]), model="deepseek-v3.2", stream=True),
        own_body(model, conversation, tools=[TOOL]),
    ]
    assert typed([without_additions(one.json) for one in sent]) == typed(ours)
