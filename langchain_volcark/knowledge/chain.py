"""`knowledge_chain`: retrieve documents, put them into the prompt, answer with references.

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
Answer the user's question only from the documents between the context tags. Each document has a number. After
each statement put the number of the document that supports it, like this: [1]. If the documents do not answer the
question, say so. Answer in the language of the question.
<context>
{context}
</context>"""

_CONTEXT = "{context}"


def format_documents(
    documents: Sequence[Document], *, fields: Sequence[str] = DEFAULT_FIELDS, images: bool = False
) -> str:
    """Format documents as context for a model.

    Args:
        documents: The retrieved documents.
        fields: Metadata fields to include, one line each, where a document has them.
        images: Whether to mark the position of images as `<img>图片1</img>`, numbered across all documents.

    Returns:
        The documents, numbered `[1]`, `[2]`, … and separated by `---`.

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
    """Return the image links of the documents, in order; searches return them only with `get_attachment_link`."""
    return [
        one["link"]
        for document in documents
        for one in attachments(document.metadata)
        if isinstance(one.get("link"), str) and one["link"] and one.get("type", "image") == "image"
    ]


def to_references(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Convert documents to the references of an answer, in the order of their numbers."""
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
    """Build a chain that searches, then answers from the documents found, with references.

    Args:
        retriever: Usually a `VikingKnowledgeRetriever`; with `rewrite=True` it also receives the conversation.
        model: Any chat model: `ChatArk`, `ChatVikingKnowledge`, ….
        prompt: System message with the placeholder `{context}`. Other braces are left unchanged.
        fields: Metadata fields that the model sees.
        images: Whether to send images to the model; needs a model with image input, and a search with
            `get_attachment_link=True`.

    Returns:
        A chain that takes a question, or `{"input": question, "chat_history": messages}`, and returns the answer.
        `response_metadata["references"]` holds the documents in the order of their numbers. With a model of this
        package `content_blocks` has a citation for each `[1]` in the text, and `references_to_documents` returns
        the references as documents. The chain supports streaming.

    Raises:
        ValueError: The prompt has no `{context}`.

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
        raise ValueError("prompt needs {context}, the placeholder for the documents.")

    def answer_of(documents: list[Document], asked: tuple[str, list[BaseMessage]]) -> Runnable[Any, AIMessage]:
        messages = _messages(documents, *asked, prompt=prompt, fields=fields, images=images)
        return RunnableLambda(lambda _: messages) | model | _with_references(to_references(documents))

    # A RunnableLambda runs the runnable that its function returns, hence the return type Any.
    def ask(given: str | dict[str, Any], config: RunnableConfig) -> Any:
        asked = _read_input(given)
        return answer_of(retriever.invoke(asked[0], config, **_search_options(retriever, asked[1])), asked)

    async def aask(given: str | dict[str, Any], config: RunnableConfig) -> Any:
        asked = _read_input(given)
        return answer_of(await retriever.ainvoke(asked[0], config, **_search_options(retriever, asked[1])), asked)

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
    # Documents may contain braces, so str.format cannot be used.
    system = SystemMessage(prompt.replace(_CONTEXT, context, 1))
    links = image_links(documents) if images else []
    asked: list[str | dict[Any, Any]] = [{"type": "text", "text": question}]
    asked.extend({"type": "image", "url": link} for link in links)
    return [system, *history, HumanMessage(asked if links else question)]


def _with_references(references: list[dict[str, Any]]) -> Runnable[AIMessage, AIMessage]:
    """Add the references to the message or first chunk, and citations at the end of v1 content."""

    def add(messages: Iterator[AIMessage]) -> Iterator[AIMessage]:
        annotator = _ReferenceAnnotator(references)
        for message in messages:
            yield annotator.process(message)
        yield from annotator.closing()

    async def aadd(messages: AsyncIterator[AIMessage]) -> AsyncIterator[AIMessage]:
        annotator = _ReferenceAnnotator(references)
        async for message in messages:
            yield annotator.process(message)
        for message in annotator.closing():
            yield message

    return RunnableGenerator(add, aadd, name="references")


class _ReferenceAnnotator:
    """Adds references to an answer, and keeps what the closing citations need."""

    def __init__(self, references: list[dict[str, Any]]) -> None:
        self._references = references
        self._texts: list[str] = []
        self._first: AIMessage | None = None
        self._has_blocks = False

    def process(self, message: AIMessage) -> AIMessage:
        """Process a chunk or a complete message; the first one gets the references."""
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
        """Yield a last chunk with the citations, if the content is a list of blocks."""
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
        """Add citations to the text block of a complete message."""
        found = [
            block for block in closing_blocks(message.response_metadata, message.text) if "annotations" in block
        ]
        content = [dict(block) if isinstance(block, dict) else block for block in message.content]
        texts = [block for block in content if isinstance(block, dict) and block.get("type") == "text"]
        if found and len(texts) == 1:
            texts[0]["annotations"] = found[0]["annotations"]
        return message.model_copy(update={"content": content})
