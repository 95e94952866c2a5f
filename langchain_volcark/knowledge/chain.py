"""The recommended flow in one chain: search, put what was found into the prompt, answer with sources.

Follows https://www.volcengine.com/docs/84313/1350012 (search_knowledge) and /1350013 (chat_completions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, convert_to_messages
from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator, RunnableLambda

from langchain_volcark.knowledge.documents import attachments
from langchain_volcark.knowledge.retrievers import VikingKnowledgeRetriever
from langchain_volcark.messages.content_blocks import closing_blocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from langchain_core.documents import Document
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

DEFAULT_FIELDS = ("doc_name", "title", "chunk_title")

DEFAULT_PROMPT = """\
Answer the user's question from the material between the context tags, and from nothing else. Each piece of it
has a number. After each statement put the number of the piece it rests on, like this: [1]. If the material does
not answer the question, say so. Answer in the language of the question.
<context>
{context}
</context>"""

_CONTEXT = "{context}"


def format_documents(
    documents: Sequence[Document], *, fields: Sequence[str] = DEFAULT_FIELDS, images: bool = False
) -> str:
    """Write documents for a model to read.

    Args:
        documents: What was found.
        fields: Metadata that a model should see, each on a line of its own where a document has it.
        images: Whether to mark where a document's images belong, as `<img>图片1</img>`, numbered through.

    Returns:
        Blocks, each with its number `[1]`, `[2]`, … and parted by `---`.

    Example:
        >>> from langchain_core.documents import Document
        >>> print(format_documents([Document("Departs 07:40.", metadata={"doc_name": "timetable.md"})]))
        [1]
        doc_name: timetable.md
        content: Departs 07:40.
    """
    shown = 0
    blocks = []
    for number, document in enumerate(documents, 1):
        lines = [f"[{number}]"]
        lines += [f"{name}: {document.metadata[name]}" for name in fields if document.metadata.get(name)]
        lines.append(f"content: {document.page_content}")
        for _ in image_links([document]) if images else ():
            shown += 1
            lines.append(f"<img>图片{shown}</img>")
        blocks.append("\n".join(lines))
    return "\n---\n".join(blocks)


def image_links(documents: Sequence[Document]) -> list[str]:
    """The links of the documents' images, in order; a search sends them only with `get_attachment_link`."""
    return [
        one["link"]
        for document in documents
        for one in attachments(document.metadata)
        if isinstance(one.get("link"), str) and one["link"] and one.get("type", "image") == "image"
    ]


def to_references(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Documents as the references of an answer, in the order of their numbers."""
    return [_reference(document) for document in documents]


def _reference(document: Document) -> dict[str, Any]:
    metadata = {key: value for key, value in document.metadata.items() if value is not None}
    named = {"title": metadata.get("title") or metadata.get("doc_name") or metadata.get("source")}
    if document.id and "point_id" not in metadata:
        named["id"] = document.id
    known = {key: value for key, value in named.items() if value}
    return {**metadata, **known, "content": document.page_content}


def knowledge_chain(
    retriever: Runnable[str, list[Document]],
    model: BaseChatModel | Runnable[Any, AIMessage],
    *,
    prompt: str = DEFAULT_PROMPT,
    fields: Sequence[str] = DEFAULT_FIELDS,
    images: bool = False,
) -> Runnable[str | dict[str, Any], AIMessage]:
    """Search, then answer from what was found, with sources.

    Args:
        retriever: Usually a `VikingKnowledgeRetriever`; with `rewrite=True` it gets the conversation too.
        model: Any chat model: `ChatArk`, `ChatVikingKnowledge`, ….
        prompt: The system message, with `{context}` where the material goes. Braces elsewhere stay as they are.
        fields: Metadata that the model should see.
        images: Whether images go to the model; it must see, and the search must run with
            `get_attachment_link=True`.

    Returns:
        A chain from a question, or from `{"input": question, "chat_history": messages}`, to the answer. Its
        `response_metadata["references"]` holds the documents in the order of their numbers. With a model of this
        package its `content_blocks` cite them where the text says `[1]`, and `references_to_documents` gives them
        back as documents. It streams.

    Raises:
        ValueError: The prompt has no place for the material.

    Example:
        ```python
        from langchain_volcark import ChatArk, VikingKnowledgeRetriever, knowledge_chain

        chain = knowledge_chain(
            VikingKnowledgeRetriever(collection_name="ferry_docs", k=5, rerank=True),
            ChatArk(model="doubao-seed-2-1-pro-260915"),
        )
        answer = chain.invoke("When does the ferry leave?")
        print(answer.text)
        for number, source in enumerate(answer.response_metadata["references"], 1):
            print(f"[{number}] {source['doc_name']}: {source['content'][:60]}")
        ```
    """
    if _CONTEXT not in prompt:
        raise ValueError("prompt needs {context} where the material goes.")

    def answer_of(documents: list[Document], said: tuple[str, list[BaseMessage]]) -> Runnable[Any, AIMessage]:
        messages = _messages(documents, *said, prompt=prompt, fields=fields, images=images)
        return RunnableLambda(lambda _: messages) | model | _with_references(to_references(documents))

    # A lambda that returns a runnable runs it; the chain's type says what comes out in the end.
    def ask(given: str | dict[str, Any], config: RunnableConfig) -> Any:
        said = _read_input(given)
        return answer_of(retriever.invoke(said[0], config, **_search_options(retriever, said[1])), said)

    async def aask(given: str | dict[str, Any], config: RunnableConfig) -> Any:
        said = _read_input(given)
        return answer_of(await retriever.ainvoke(said[0], config, **_search_options(retriever, said[1])), said)

    return RunnableLambda(ask, aask, name="knowledge_chain")


def _read_input(given: str | Mapping[str, Any]) -> tuple[str, list[BaseMessage]]:
    if isinstance(given, str):
        return given, []
    question = given.get("input")
    if not isinstance(question, str):
        raise ValueError('The chain wants a question, or {"input": question, "chat_history": messages}.')  # noqa: TRY004
    return question, convert_to_messages(given.get("chat_history") or [])


def _search_options(retriever: Runnable[Any, Any], history: list[BaseMessage]) -> dict[str, Any]:
    rewrites = isinstance(retriever, VikingKnowledgeRetriever) and retriever.rewrite
    return {"messages": history} if rewrites else {}


def _messages(
    documents: list[Document],
    question: str,
    history: list[BaseMessage],
    *,
    prompt: str,
    fields: Sequence[str],
    images: bool,
) -> list[BaseMessage]:
    context = format_documents(documents, fields=fields, images=images)
    # Material may hold braces of its own, so nothing is formatted.
    system = SystemMessage(prompt.replace(_CONTEXT, context, 1))
    links = image_links(documents) if images else []
    asked: list[str | dict[Any, Any]] = [{"type": "text", "text": question}]
    asked.extend({"type": "image", "url": link} for link in links)
    return [system, *history, HumanMessage(asked if links else question)]


def _with_references(references: list[dict[str, Any]]) -> Runnable[AIMessage, AIMessage]:
    """Put the references onto the first chunk, or the message; after blocks (output version v1) the citations."""

    def add(messages: Iterator[AIMessage]) -> Iterator[AIMessage]:
        tail = _Tail(references)
        for message in messages:
            yield tail.see(message)
        yield from tail.closing()

    async def aadd(messages: AsyncIterator[AIMessage]) -> AsyncIterator[AIMessage]:
        tail = _Tail(references)
        async for message in messages:
            yield tail.see(message)
        for message in tail.closing():
            yield message

    return RunnableGenerator(add, aadd, name="references")


class _Tail:
    """What of an answer must be remembered until its end."""

    def __init__(self, references: list[dict[str, Any]]) -> None:
        self._references = references
        self._texts: list[str] = []
        self._first: AIMessage | None = None
        self._has_blocks = False

    def see(self, message: AIMessage) -> AIMessage:
        """Take a chunk or a whole message; the first one gets the references."""
        self._texts.append(message.text)
        self._has_blocks = self._has_blocks or (isinstance(message.content, list) and bool(message.content))
        if self._first is not None or not self._references:
            return message
        metadata = {**message.response_metadata, "references": self._references}
        self._first = message.model_copy(update={"response_metadata": metadata})
        if self._has_blocks and not isinstance(message, AIMessageChunk):
            return self._annotated(self._first)
        return self._first

    def closing(self) -> Iterator[AIMessage]:
        """A chunk with the citations, where the content is blocks."""
        if self._has_blocks and isinstance(self._first, AIMessageChunk):
            blocks = closing_blocks(self._first.response_metadata, "".join(self._texts))
            if blocks:
                provider = self._first.response_metadata["model_provider"]
                yield AIMessageChunk(
                    content=list(blocks),
                    id=self._first.id,
                    response_metadata={"model_provider": provider, "output_version": "v1"},
                )

    def _annotated(self, message: AIMessage) -> AIMessage:
        """A whole message of blocks, its text block with citations."""
        found = [
            block for block in closing_blocks(message.response_metadata, message.text) if "annotations" in block
        ]
        content = [dict(block) if isinstance(block, dict) else block for block in message.content]
        texts = [block for block in content if isinstance(block, dict) and block.get("type") == "text"]
        if found and len(texts) == 1:
            texts[0]["annotations"] = found[0]["annotations"]
        return message.model_copy(update={"content": content})
