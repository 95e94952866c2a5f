"""A bot with references: streamed, in a chain, in an agent; and its token usage.

Run it with `python examples/bot.py [question]`. It needs no key: without `ARK_API_KEY` and `ARK_BOT_ID` it starts
the emulator, whose bots search a small corpus of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from session import heading

from langchain_volcark import ChatArkBot, References, bot_metadata, references_to_documents

QUESTION = "常见的十字花科植物有哪些?"
PRICES = {"cabbage": 2.4, "broccoli": 6.8, "cauliflower": 5.2}


@contextmanager
def choose_bot() -> Iterator[ChatArkBot]:
    """Use the real bot if its variables are set, else the emulator's."""
    name = os.environ.get("ARK_BOT_ID")
    if os.environ.get("ARK_API_KEY") and name:
        print(f"Talking to Volcengine Ark, bot {name}.")
        yield ChatArkBot(model=name)
        return
    from langchain_volcark.emulator import Emulator

    print("ARK_API_KEY and ARK_BOT_ID are not both set, so this talks to the emulator: a local server that")
    print("speaks Ark's wire format over real HTTP. Its bots search a corpus of a dozen sentences.")
    with Emulator() as server:
        yield ChatArkBot(model="bot-knowledge-1", api_key=server.api_key, base_url=server.ark_base_url)


def stream_with_sources(bot: ChatArkBot, question: str) -> None:
    """Print the sources, which are on the chunk with which they arrived: here before the answer."""
    heading("A streamed answer, its sources as they come")
    metadata = bot_metadata(emit_intention_signal_extra=True)
    total: AIMessageChunk | None = None
    for chunk in bot.stream(question, bot_metadata=metadata):
        # The service returns the metadata of the request too; only the new fields are its own.
        for key, status in chunk.response_metadata.get("metadata", {}).items():
            if key not in metadata:
                print(f"status: {status}")
        for reference in chunk.response_metadata.get("references", []):
            print(f"source: {reference.get('title') or reference.get('doc_name')}")
        print(chunk.text, end="", flush=True)
        total = chunk if total is None else total + chunk
    print()
    if total is not None:
        show_places(total)
        show_cost(total)


def show_places(answer: AIMessage) -> None:
    """Print LangChain's standard citations: the marks in the text and their sources."""
    heading("Where the text cites what")
    for block in answer.content_blocks:
        if block["type"] != "text":
            continue
        for citation in block.get("annotations", []):
            if citation["type"] == "citation" and "start_index" in citation:
                start, end = citation["start_index"], citation["end_index"]
                before = block["text"][max(0, start - 20) : start]
                print(f"…{before}{block['text'][start:end]}  →  {citation.get('title')}")


def show_cost(answer: AIMessage) -> None:
    """Print the tokens of all models that the bot called, and its plugins' actions."""
    heading("What it cost")
    print(answer.usage_metadata)
    for block in answer.content_blocks:
        if block["type"] == "server_tool_call":
            print(f"plugin call: {block['name']} {block['args']}")


def chain_with_sources(bot: ChatArkBot, question: str) -> None:
    """Build a chain that returns the answer and its sources as documents."""
    heading("A chain: the answer, and its sources as documents")
    prompt = ChatPromptTemplate.from_messages([("human", "{question}")])
    chain = prompt | bot | {"answer": StrOutputParser(), "sources": references_to_documents}
    result = chain.invoke({"question": question})
    print(result["answer"])
    for document in result["sources"]:
        print(f"- {document.metadata.get('title')} {document.metadata.get('source', '')}: {document.page_content}")


@tool
def price_of(vegetable: str) -> str:
    """What a vegetable costs today, in yuan a kilogram."""
    price = PRICES.get(vegetable.lower())
    return f"{vegetable}: {price} yuan/kg" if price else f"{vegetable} is not on sale."


def agent_with_sources(bot: ChatArkBot) -> None:
    """Run an agent whose model is a bot: its own tool, the bot's plugins, the sources of the last answer."""
    heading("An agent: a tool of ours, the bot's plugins, and its sources")
    agent = create_agent(bot, [price_of])
    question = "Say price_of 'broccoli', and what kind of plant broccoli is."
    print(f"> {question}")
    for message in agent.invoke({"messages": [HumanMessage(question)]})["messages"][1:]:
        if not isinstance(message, AIMessage):
            print(f"tool: {message.text}")
            continue
        for call in message.tool_calls:
            print(f"calls {call['name']}({call['args']})")
        if message.text:
            print(message.text)
            print(References(message))


def main() -> None:
    question = " ".join(sys.argv[1:]) or QUESTION
    with choose_bot() as bot:
        print(f"> {question}")
        stream_with_sources(bot, question)
        chain_with_sources(bot, question)
        agent_with_sources(bot)


if __name__ == "__main__":
    main()
