"""Access keys instead of an API key, and counting tokens before a call.

It uses the emulator if VOLC_ACCESSKEY and VOLC_SECRETKEY are not set:

    python examples/access_keys_and_tokens.py
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from langchain_core.messages import HumanMessage, trim_messages

from langchain_volcark import ChatArk
from langchain_volcark.exceptions import VolcArkError


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"It is sunny in {city}."


def main() -> None:
    """Call a model by its id in a project, then count a prompt in three ways."""
    with ExitStack() as stack:
        settings: dict[str, Any] = {}
        if not (os.environ.get("VOLC_ACCESSKEY") and os.environ.get("VOLC_SECRETKEY")):
            from langchain_volcark.emulator import Emulator

            server = stack.enter_context(Emulator())
            settings = {
                "access_key": server.access_key,
                "secret_key": server.secret_key,
                "base_url": server.ark_base_url,
                "control_base_url": server.control_base_url,
            }
        # A model id needs the project it is called in; an endpoint id (ep-…) needs none.
        model = ChatArk(model="doubao-seed-2-1-pro-260915", project_name="default", **settings)
        question = "常见的十字花科植物有哪些?"
        answer = model.invoke(question)
        print(answer.text)

        print("estimated:", model.get_num_tokens(question))
        print("with tools:", model.get_num_tokens_from_messages([HumanMessage(question)], tools=[get_weather]))
        if answer.usage_metadata:
            print("charged:", answer.usage_metadata["input_tokens"])
        try:
            print("exact:", model.count_tokens_exactly(question))
        except VolcArkError as error:
            print("This model does not count:", error.message)

        history = [HumanMessage(f"第 {number} 个问题:{question}") for number in range(1, 101)]
        kept = trim_messages(history, max_tokens=200, token_counter=model)
        print(f"of {len(history)} questions {len(kept)} fit into 200 tokens")


if __name__ == "__main__":
    main()
