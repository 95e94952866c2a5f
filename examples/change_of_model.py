"""One conversation with several models: each continues the history of the last; at the end, structured output.

Run it with `python examples/change_of_model.py`. It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts
the emulator. `ARK_SECOND_MODEL` names the model that takes over.
"""

from __future__ import annotations

import os

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field
from session import heading, session

from langchain_volcark import ChatArk

# Messages of a Claude model: signed reasoning, a server-side search, a tool call.
FROM_ANOTHER_PROVIDER: list[BaseMessage] = [
    HumanMessage("杭州今天天气如何?"),
    AIMessage(
        [
            {"type": "thinking", "thinking": "I need the weather.", "signature": "EqQB"},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "杭州"}},
            {"type": "text", "text": "我查一下。"},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "杭州"}},
        ],
        tool_calls=[{"name": "get_weather", "args": {"city": "杭州"}, "id": "toolu_1"}],
        response_metadata={"model_provider": "anthropic"},
    ),
    ToolMessage("晴, 15 度", tool_call_id="toolu_1"),
]


class Report(BaseModel):
    """A weather report."""

    city: str
    degrees: int = Field(ge=-60, le=60)


@tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"{city}: 晴, 15 度"


def main() -> None:
    """Continue another provider's conversation, change the model, then request structured output."""
    with session() as current:
        first = ChatArk(model=current.model, **current.arguments)
        heading("A history that another provider's model wrote")
        history = [*FROM_ANOTHER_PROVIDER]
        history.append(first.bind_tools([get_weather]).invoke(history))
        print(history[-1].text)

        heading("The next model takes over")
        name = os.environ.get("ARK_SECOND_MODEL", "doubao-seed-1-8-251228")
        second = ChatArk(model=name, **current.arguments)
        history.append(HumanMessage("Thank you. And in one word?"))
        history.append(second.invoke(history))
        print(f"{history[-1].response_metadata['model_name']}: {history[-1].text}")

        heading("The same as data")
        print(repr(first.with_structured_output(Report).invoke("city: '杭州', degrees: 15")))


if __name__ == "__main__":
    main()
