"""Models by name: `init_chat_model`, `init_embeddings` and an agent, after one `register()`."""

from __future__ import annotations

import os

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain.embeddings import init_embeddings
from langchain_core.messages import HumanMessage
from session import heading, session

from langchain_volcark import register

EMBEDDINGS = "doubao-embedding-vision-251215"


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"Sunny in {city}."


def main() -> None:
    with session() as ark:
        if ark.server is not None:
            # Models created by name read keys and base URLs from the environment.
            os.environ.update(ARK_API_KEY=ark.server.api_key, ARK_BASE_URL=ark.server.ark_base_url)
        register()

        heading("A model by name")
        model = init_chat_model(f"volcengine:{ark.model}", temperature=0.2)
        print(model.invoke("Name three cruciferous plants.").text)

        heading("Chosen per call")
        any_model = init_chat_model(temperature=0.2)
        answer = any_model.invoke("Hello", config={"configurable": {"model": f"volcengine:{ark.model}"}})
        print(answer.text, "|", answer.response_metadata["model_name"])

        heading("An agent")
        agent = create_agent(f"volcengine:{ark.model}", [get_weather])
        result = agent.invoke({"messages": [HumanMessage('What is the weather in "Hangzhou"?')]})
        print(result["messages"][-1].text)

        heading("Embeddings")
        vectors = init_embeddings(f"volcengine:{EMBEDDINGS}").embed_documents(["花椰菜", "西兰花"])
        print(len(vectors), "vectors of", len(vectors[0]))


if __name__ == "__main__":
    main()
