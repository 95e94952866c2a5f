"""The calls that are recorded, and what the package reads from their replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langchain_volcark.exceptions import VolcArkError
from tests.live.kit import Kit

SCENES: dict[str, Callable[[Kit], Any]] = {}
_TEXTS = ["Broccoli is a cruciferous plant.", "The ferry leaves at eight."]


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def get_weather(city: str) -> str:
    """Weather of a city."""
    return city


def scene(play: Callable[[Kit], Any]) -> Callable[[Kit], Any]:
    """Register a scene under its function's name."""
    SCENES[play.__name__] = play
    return play


def said(message: AIMessage) -> dict[str, Any]:
    """What a message holds, as JSON."""
    return {
        "content": message.content,
        "additional_kwargs": message.additional_kwargs,
        "tool_calls": [{"name": one["name"], "args": one["args"]} for one in message.tool_calls],
        "usage": message.usage_metadata,
        "response_metadata": message.response_metadata,
        "blocks": [block["type"] for block in message.content_blocks],
    }


def streamed(model: Any, prompt: Any) -> dict[str, Any]:
    """What the sum of a stream holds."""
    first, *rest = model.stream(prompt)
    return said(first + rest if rest else first)


def failed(call: Callable[[], Any]) -> dict[str, Any]:
    """What kind of error a call ends in."""
    try:
        call()
    except VolcArkError as error:
        return {"class": type(error).__name__, "status": error.status_code, "code": error.code}
    raise AssertionError("the call was expected to fail")


def found(documents: Any) -> list[Any]:
    """What documents hold."""
    return [{"content": one.page_content, "metadata": one.metadata} for one in documents]


# --- Ark -----------------------------------------------------------------------------------------------------------


@scene
def ark_chat(kit: Kit) -> Any:
    return said(kit.chat().invoke("How many legs has a spider? Answer with the number."))


@scene
def ark_chat_stream(kit: Kit) -> Any:
    return streamed(kit.chat(), "How many legs has a spider? Answer with the number.")


@scene
def ark_chat_without_thinking(kit: Kit) -> Any:
    return streamed(kit.chat(thinking="disabled"), "Say: yes")


@scene
def ark_answer_cut_short(kit: Kit) -> Any:
    return said(kit.chat(thinking="disabled", max_tokens=5).invoke("Count to 100."))


@scene
def ark_tool_call(kit: Kit) -> Any:
    return said(kit.chat().bind_tools([get_weather]).invoke("What is the weather in Hangzhou?"))


@scene
def ark_tool_calls_stream(kit: Kit) -> Any:
    bound = kit.chat().bind_tools([get_weather])
    return streamed(bound, "Call get_weather for 'Hangzhou' and get_weather for 'Beijing', both at once.")


@scene
def ark_structured_output(kit: Kit) -> Any:
    asked = kit.chat().with_structured_output(Person, method="json_schema")
    return asked.invoke("name: 'Ada', age: 36").model_dump()  # type: ignore[union-attr]


@scene
def ark_wrong_key(kit: Kit) -> Any:
    return failed(lambda: kit.chat(api_key="wrong", max_retries=0).invoke("Hi"))


@scene
def ark_unknown_model(kit: Kit) -> Any:
    return failed(lambda: kit.chat(model="doubao-of-nowhere-000000", max_retries=0).invoke("Hi"))


@scene
def ark_embeddings(kit: Kit) -> Any:
    vectors = kit.embeddings().embed_documents(_TEXTS)
    return [[len(vector), round(vector[0], 6)] for vector in vectors]


@scene
def ark_bot(kit: Kit) -> Any:
    return said(kit.bot().invoke("Name cruciferous plants."))


@scene
def ark_bot_stream(kit: Kit) -> Any:
    return streamed(kit.bot(), "Name cruciferous plants.")


# --- Qianfan -------------------------------------------------------------------------------------------------------


@scene
def qianfan_chat(kit: Kit) -> Any:
    return said(kit.qianfan().invoke("How many legs has a spider? Answer with the number."))


@scene
def qianfan_thinking_stream(kit: Kit) -> Any:
    model = kit.qianfan(model=kit.services.name("QIANFAN_THINKING_MODEL"), thinking="enabled")
    return streamed(model, "How many legs has a spider? Answer with the number.")


@scene
def qianfan_search_stream(kit: Kit) -> Any:
    search = {"enable": True, "enable_trace": True, "enable_status": True, "enable_citation": True}
    return streamed(kit.qianfan(web_search=search), "What is the tallest mountain?")


@scene
def qianfan_tool_call(kit: Kit) -> Any:
    return said(kit.qianfan().bind_tools([get_weather]).invoke("What is the weather in Hangzhou?"))


@scene
def qianfan_embeddings(kit: Kit) -> Any:
    return [[len(vector), round(vector[0], 6)] for vector in kit.qianfan_embeddings().embed_documents(_TEXTS)]


@scene
def qianfan_rerank(kit: Kit) -> Any:
    documents = [Document(text) for text in _TEXTS]
    return found(kit.qianfan_rerank().compress_documents(documents, "When does the ferry leave?"))


@scene
def qianfan_wrong_key(kit: Kit) -> Any:
    return failed(lambda: kit.qianfan(api_key="bce-v3/wrong/key", max_retries=0).invoke("Hi"))


@scene
def qianfan_unknown_model(kit: Kit) -> Any:
    return failed(lambda: kit.qianfan(model="no-such-model", max_retries=0).invoke("Hi"))


@scene
def qianfan_v1_stream(kit: Kit) -> Any:
    return streamed(kit.qianfan_v1(), "Say: yes")


# --- the knowledge base --------------------------------------------------------------------------------------------


@scene
def knowledge_chat(kit: Kit) -> Any:
    return said(kit.knowledge().invoke("Say: yes"))


@scene
def knowledge_chat_stream(kit: Kit) -> Any:
    return streamed(kit.knowledge(), "Say: yes")


@scene
def knowledge_search(kit: Kit) -> Any:
    return found(kit.retriever().invoke(kit.services.name("VIKING_QUESTION")))


@scene
def knowledge_service_stream(kit: Kit) -> Any:
    return streamed(kit.packaged(), kit.services.name("VIKING_QUESTION"))


@scene
def knowledge_rerank(kit: Kit) -> Any:
    documents = [Document(text) for text in _TEXTS]
    return found(kit.reranker().compress_documents(documents, "When does the ferry leave?"))


@scene
def knowledge_unknown_collection(kit: Kit) -> Any:
    return failed(lambda: kit.retriever(collection_name="no_such_collection", max_retries=0).invoke("Hi"))
