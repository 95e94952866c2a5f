"""A tour of Baidu Qianfan: an answer with references, thinking, tools, embeddings, and the legacy V1.

    python examples/qianfan.py

It needs no key: without `QIANFAN_BEARER_TOKEN` it starts the emulator. With a key, `QIANFAN_MODEL` and
`QIANFAN_THINKING_MODEL` choose other models. V1 is shown with the emulator only: Baidu has shut it down.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from session import heading

from langchain_volcark import ChatQianfan, QianfanEmbeddings, QianfanRerank
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import AuthenticationError, VolcArkError

MODEL = os.environ.get("QIANFAN_MODEL", "ernie-5.1")
THINKING_MODEL = os.environ.get("QIANFAN_THINKING_MODEL", "deepseek-v4-pro")
PASSAGES = ("西湖在杭州,湖中有苏堤和白堤。", "花椰菜是一种常见的蔬菜。", "卷心菜、油菜和花椰菜都是十字花科植物。")


@contextmanager
def session() -> Iterator[dict[str, Any]]:
    """Return arguments besides the model: none for the real service, else the emulator's base URL and key."""
    if os.environ.get("QIANFAN_BEARER_TOKEN") or os.environ.get("QIANFAN_API_KEY"):
        print("Talking to Baidu Qianfan.")
        yield {}
        return
    print("QIANFAN_BEARER_TOKEN is not set, so this uses the emulator: a local server with Qianfan's")
    print("wire format over real HTTP. It is not a model: it answers by simple rules.")
    with Emulator() as server:
        yield {"api_key": server.qianfan_api_key, "base_url": server.qianfan_base_url}


@tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


@tool
def get_tide(port: str) -> str:
    """Tide at a port."""
    return f"high at {port}"


def answer_with_sources(here: dict[str, Any]) -> None:
    """Answer with the service's web search; its marks become standard citations."""
    heading("An answer with its sources")
    search = {"enable": True, "enable_trace": True, "enable_citation": True}
    message = ChatQianfan(model=MODEL, web_search=search, **here).invoke("What is new in Hangzhou?")
    print(message.text)
    for block in message.content_blocks:
        for citation in block.get("annotations", []) if block["type"] == "text" else []:
            print(f"  {citation.get('start_index')}: {citation.get('title')} <{citation.get('url')}>")


def think(here: dict[str, Any]) -> None:
    """Stream reasoning and answer separately."""
    heading("Thinking, streamed")
    for chunk in ChatQianfan(model=THINKING_MODEL, thinking="enabled", **here).stream(
        "How many letters has 'plum'?"
    ):
        print(chunk.additional_kwargs.get("reasoning_content") or chunk.text, end="")
    print()


def call_tools(model: ChatQianfan, question: str) -> None:
    """Bind two tools, run those that are called, and get the answer."""
    tools = {one.name: one for one in (get_weather, get_tide)}
    bound = model.bind_tools(list(tools.values()))
    messages: list[Any] = [SystemMessage("Use the tools."), HumanMessage(question)]
    called = bound.invoke(messages)
    print("called:", [(call["name"], call["args"]) for call in called.tool_calls])
    results = [tools[call["name"]].invoke(call) for call in called.tool_calls]
    assert all(isinstance(result, ToolMessage) for result in results)
    print("answer:", bound.invoke([*messages, called, *results]).text)


def find_passages(here: dict[str, Any]) -> None:
    """Find candidates with embeddings, then sort them with the reranker."""
    heading("Embeddings and reranking")
    embeddings = QianfanEmbeddings(model="bge-large-zh", **here)
    question = "常见的蔬菜有哪些?"
    query = embeddings.embed_query(question)
    for passage, vector in zip(PASSAGES, embeddings.embed_documents(list(PASSAGES)), strict=True):
        print(f"  {sum(a * b for a, b in zip(query, vector, strict=True)):.2f}  {passage}")
    documents = [Document(passage) for passage in PASSAGES]
    for document in QianfanRerank(top_n=2, **here).compress_documents(documents, question):
        print(f"  reranked {document.metadata['rerank_score']:.2f}  {document.page_content}")


def fail(here: dict[str, Any]) -> None:
    """Print an error with its advice."""
    heading("Failures")
    try:
        ChatQianfan(model=MODEL, **{**here, "api_key": "not a key"}).invoke("hi")
    except AuthenticationError as error:
        print(f"  {error}")
    try:
        ChatQianfan(model="no-such-model", **here).invoke("hi")
    except VolcArkError as error:
        print(f"  {type(error).__name__}: {error}")


def speak_v1() -> None:
    """Call V1, for private deployments that still offer it: custom services, OAuth, functions."""
    heading("V1, with the emulator")
    with Emulator() as server:
        here: dict[str, Any] = {
            "api_version": "v1",
            "base_url": server.qianfan_v1_base_url,
            "client_id": server.client_id,
            "client_secret": server.client_secret,
            "token_url": server.token_url,
        }
        custom = ChatQianfan(endpoint="ngxxxol8_test1", **here)
        print("custom service:", custom.invoke("Please introduce The Great Wall").text)
        call_tools(ChatQianfan(model="ERNIE-3.5-8K", **here), "get_tide port: Qingdao")


def main() -> None:
    """Run it all."""
    with session() as here:
        answer_with_sources(here)
        think(here)
        heading("Several tools in one turn")
        call_tools(ChatQianfan(model=MODEL, **here), "get_weather city: Qingdao, get_tide port: Qingdao")
        find_passages(here)
        fail(here)
    speak_v1()


if __name__ == "__main__":
    main()
