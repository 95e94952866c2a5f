"""The Responses API: hosted web search with its sources, a stored conversation, and one that nobody stores.

Run it with `python examples/responses.py [question]`. It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it
starts the emulator, which searches a dozen sentences of its own. With a key, activate web search in the console
first.
"""

from __future__ import annotations

import json
import sys
from typing import Any, cast

import httpx
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from session import Session, heading, session

from langchain_volcark import ChatArk, References, hosted_tools

QUESTION = "Search: which plants are cruciferous?"
TURNS = ("My name is Ada.", "I collect recipes for broccoli.", "What is my name?")
PRICES = {"cabbage": 2.4, "broccoli": 6.8, "cauliflower": 5.2}


def show_searches(message: AIMessage) -> None:
    """Print what the service searched for."""
    for block in message.content_blocks:
        if block["type"] == "server_tool_call":
            print(f"searched: {block['args'].get('query')}")


def search(model: ChatArk, question: str) -> None:
    """Stream an answer; then print its sources, what was searched for, and how many searches are billed."""
    heading("A hosted search, streamed")
    print(f"> {question}")
    chunks: list[AIMessageChunk] = []
    for chunk in model.bind_tools([hosted_tools.web_search(limit=5)]).stream(question):
        print(chunk.text, end="", flush=True)
        chunks.append(cast("AIMessageChunk", chunk))
    print()
    total = chunks[0] + chunks[1:]
    print(References(total))
    show_searches(total)
    print(f"billed searches: {total.response_metadata.get('tool_usage')}")


@tool
def get_price(vegetable: str) -> str:
    """What a vegetable costs today, in yuan a kilogram."""
    price = PRICES.get(vegetable.lower())
    return f"{vegetable}: {price} yuan/kg" if price else f"{vegetable} is not on sale."


def search_and_call(model: ChatArk) -> None:
    """Run an agent with a hosted search and a Python tool; the service runs the one, this process the other."""
    heading("An agent: a hosted search and a tool of ours")
    agent = create_agent(model, [hosted_tools.web_search(), get_price])
    messages: list[Any] = []
    for question in ("Say get_price 'broccoli'.", "Search: what kind of plant is broccoli?"):
        print(f"> {question}")
        before = len(messages) + 1
        messages = agent.invoke({"messages": [*messages, HumanMessage(question)]})["messages"]
        for message in messages[before:]:
            show_step(message)


def show_step(message: BaseMessage) -> None:
    """Print a step of an agent."""
    if not isinstance(message, AIMessage):
        print(f"tool: {message.text}")
        return
    show_searches(message)
    for call in message.tool_calls:
        print(f"calls {call['name']}({call['args']})")
    if message.text:
        print(message.text)
        if sources := References(message):
            print(sources)


class Wire:
    """Keeps the bodies that are sent, through a client that the model is given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.client = httpx.Client(event_hooks={"request": [self._note]})

    def _note(self, request: httpx.Request) -> None:
        if request.method == "POST":
            self.bodies.append(request.read())


def converse(model: ChatArk, wire: Wire) -> tuple[list[AIMessage], int]:
    """Hold a conversation, always passing the whole history; return the answers and the bytes sent for them."""
    rules = "You are a patient cook who answers in one sentence. " * 20
    history: list[BaseMessage] = [SystemMessage(rules)]
    answers = []
    total = 0
    for text in TURNS:
        history.append(HumanMessage(text))
        answer = model.invoke(history)
        history.append(answer)
        answers.append(answer)
        body = wire.bodies[-1]
        total += len(body)
        print(f"> {text}\n{answer.text}")
        used = answer.usage_metadata
        tokens = used["input_tokens"] if used else 0
        print(f"  sent: {len(json.loads(body)['input'])} items, {len(body)} bytes; billed: {tokens} input tokens")
    return answers, total


def store(here: Session) -> int:
    """Hold a conversation that the service stores, so that each turn sends only what is new."""
    heading("A stored conversation")
    with (wire := Wire()).client as client:
        model = ChatArk(
            model=here.model, use_previous_response_id=True, expire_in=3600, http_client=client, **here.arguments
        )
        answers, sent = converse(model, wire)
        for answer in answers:
            model.delete_response(answer.response_metadata["response_id"])
        print("  deleted what was stored")
    return sent


def store_nothing(here: Session) -> int:
    """Hold the same conversation without storage: the history and the sealed thinking go along each time."""
    heading("The same, stored nowhere")
    with (wire := Wire()).client as client:
        model = ChatArk(
            model=here.model,
            store=False,
            include=["reasoning.encrypted_content"],
            http_client=client,
            **here.arguments,
        )
        answers, sent = converse(model, wire)
        print(f"  stored: {answers[-1].response_metadata.get('store')}")
    return sent


def main() -> None:
    question = " ".join(sys.argv[1:]) or QUESTION
    with session() as here:
        model = ChatArk(model=here.model, **here.arguments)
        search(model, question)
        search_and_call(model)
        chained, whole = store(here), store_nothing(here)
        print(f"\nThe stored conversation sent {whole - chained} bytes less, of {whole}.")
        print("Its input is billed in full all the same; caching makes it cheaper.")


if __name__ == "__main__":
    main()
