"""Embedding models on Volcengine Ark: text, images, video; dense, sparse and per-token vectors.

Follows https://www.volcengine.com/docs/82379/1521766 (text embeddings API) and
https://www.volcengine.com/docs/82379/1523520 (multimodal embeddings API).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from langchain_volcark.ark.batch.settings import PREFIX, BatchInference
from langchain_volcark.ark.embedding_inputs import MAX_TEXT_BYTES, EmbeddingInput, write_input, write_inputs
from langchain_volcark.ark.embedding_models import check_dimensions, find_model, is_multimodal
from langchain_volcark.ark.embedding_replies import read_data, read_multi, read_sparse
from langchain_volcark.ark.image_files import check_images, image_block
from langchain_volcark.ark.sparse_embeddings import ArkSparseEmbeddings
from langchain_volcark.base.embeddings import (
    EmbeddingPlan,
    HTTPEmbeddings,
    batches,
    check_texts,
    tokens_at_most,
    with_instruction,
)
from langchain_volcark.base.runs import default_concurrency
from langchain_volcark.base.values import OptionalSwitch, OptionalWhole, Whole, as_list, check_value
from langchain_volcark.base.vectors import read_rows, read_vector, shape
from langchain_volcark.http.requests import ServiceRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from typing import TypeVar

    from typing_extensions import Self

    T = TypeVar("T")

_TEXT_PATH = "/embeddings"
_MULTIMODAL_PATH = "/embeddings/multimodal"


class ArkEmbeddings(BatchInference, HTTPEmbeddings, defer_build=False):
    """Embedding models on Volcengine Ark (火山方舟): Doubao text and vision.

    The model's name decides the endpoint. A vision model embeds one input per request, so many inputs become
    many requests, at most `max_concurrency` at once; a text model accepts many texts per request.

    Setup:
        Create a key in the Ark console, activate a model, and set the key:

        ```bash
        export ARK_API_KEY="…"
        ```

    Key init args:
        model: Model id with its date (`doubao-embedding-vision-251215`) or endpoint id (`ep-…`).
        multimodal: Whether to use the multimodal endpoint; needed for an `ep-…` id only.
        api_key: Key, or a sync or async callable that returns one; default `ARK_API_KEY`.
        access_key, secret_key: Instead of a key; default `VOLC_ACCESSKEY`, `VOLC_SECRETKEY`. A model id needs
            `project_name` then.
        base_url: API address; default `ARK_BASE_URL`, else Beijing's.
        dimensions: Length of the vectors; default the model's own.
        max_concurrency: Maximum number of concurrent requests, 16 by default (500 with `batch=True`).
        batch: Batch inference, at half the price; see `batch_inference`.

    Example:
        ```python
        from langchain_volcark import ArkEmbeddings

        embeddings = ArkEmbeddings(model="doubao-embedding-vision-251215", dimensions=1024)
        vectors = embeddings.embed_documents(
            ["花椰菜又称菜花、花菜,是一种常见的蔬菜。", "Cauliflower is a vegetable."]
        )
        query = embeddings.embed_query("常见的蔬菜有哪些?")
        ```

    Images and video:
        ```python
        picture = {"type": "image", "url": "https://example.com/tower.png"}
        embeddings.embed_inputs([picture, "a tower by the sea", [picture, "at night"]])
        embeddings.embed_image(["photos/tower.jpg", "https://example.com/tower.png"])
        ```

    Hybrid search:
        ```python
        QdrantVectorStore.from_texts(
            texts,
            embeddings,
            sparse_embedding=embeddings.as_sparse(),
            retrieval_mode=RetrievalMode.HYBRID,
            location=":memory:",
        )
        Milvus.from_texts(texts, [embeddings, embeddings.as_sparse()], vector_field=["dense", "sparse"])
        ```

    A failure in the middle:
        ```python
        from langchain_volcark.exceptions import VolcArkError

        try:
            vectors = embeddings.embed_documents(texts)
        except VolcArkError as error:
            done = error.completed
            rest = [position for position in range(len(texts)) if position not in done]
            done.update(zip(rest, embeddings.embed_documents([texts[position] for position in rest])))
            vectors = [done[position] for position in range(len(texts))]
        ```
    """

    dimensions: OptionalWhole = Field(default=None, ge=1)
    """Length of the vectors. Sent where the model supports it; else the client truncates and normalises them."""
    encoding_format: Literal["float", "base64"] | None = "base64"
    """Format of vectors in replies. Base64 is a third of the size and a tenth of the work; the result is equal."""
    multimodal: OptionalSwitch = None
    """Whether to use the multimodal endpoint; None decides by the model's name, so an `ep-…` id needs a value."""
    query_instruction: str | None = None
    """Instruction for queries; None uses the model's documented one, `""` none.

    For a text model a prefix, or a template with `{text}`. For a multimodal model the request's `instructions`:
    the documented default is meant for text documents, so set it if your documents are images or video.
    """
    document_instruction: str | None = None
    """Instruction for documents, in the same form as `query_instruction`; None means none."""
    normalize: OptionalSwitch = None
    """Whether to scale vectors to length 1; None does so only with vectors that the client truncates."""
    chunk_tokens: Whole = Field(default=4096, ge=1)
    """Maximum tokens per request of a text model (the service's advice), estimated from the texts' bytes."""
    user: str | None = None
    """Your id of the end user; text models only."""

    endpoint_paths: ClassVar[tuple[str, ...]] = (_MULTIMODAL_PATH, _TEXT_PATH, "/chat/completions", PREFIX)

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        self._is_multimodal()
        check_dimensions(self.model, self.dimensions)
        return self

    def _is_multimodal(self) -> bool:
        return is_multimodal(self.model) if self.multimodal is None else self.multimodal

    # --- public methods -----------------------------------------------------------------------------------

    def embed_inputs(
        self, inputs: Sequence[EmbeddingInput], *, instructions: str | None = None
    ) -> list[list[float]]:
        """Embed texts, images and video.

        Args:
            inputs: Each a text, a content block (LangChain's `image` and `video`, or Ark's `image_url` and
                `video_url` with their options), or a list of them that becomes one vector.
            instructions: Replaces `document_instruction` in this call, for example to embed an image as a query.

        Returns:
            One vector per input, in their order; `[]` for `[]`, without a request.

        Raises:
            ValueError: An input is invalid, or is not a text and the model accepts text only; the message names
                its position. No request was sent.
            VolcArkError: A request failed after its retries. `completed` holds the results of the other requests.
        """
        return self._run(self._plan(as_list(inputs, "inputs"), self._documents_with(instructions)))

    async def aembed_inputs(
        self, inputs: Sequence[EmbeddingInput], *, instructions: str | None = None
    ) -> list[list[float]]:
        """Same as `embed_inputs`, async."""
        return await self._arun(self._plan(as_list(inputs, "inputs"), self._documents_with(instructions)))

    def embed_image(
        self, uris: Sequence[str | PathLike[str]], *, instructions: str | None = None
    ) -> list[list[float]]:
        """Embed images by path or URL; the method that Chroma, LanceDB and other vector stores call.

        Args:
            uris: File paths, http(s) URLs, `file:` URLs or data URLs. A file is read when its request is sent.
            instructions: Replaces `document_instruction` in this call.

        Returns:
            One vector per image, in their order; `[]` for `[]`, without a request.

        Raises:
            ValueError: The model accepts text only, or an input is not a path or URL; the message names its
                position.
            OSError: A file cannot be read; the error names its path. No request was sent, unless the file was
                removed during the call.
            VolcArkError: A request failed after its retries. `completed` holds the results of the other requests.
        """
        return self._run(self._plan_images(uris, instructions))

    async def aembed_image(
        self, uris: Sequence[str | PathLike[str]], *, instructions: str | None = None
    ) -> list[list[float]]:
        """Same as `embed_image`, async; files are read in threads."""
        return await self._arun(await asyncio.to_thread(self._plan_images, uris, instructions))

    def as_sparse(self) -> ArkSparseEmbeddings:
        """The sparse embeddings of this model, for a vector store's hybrid search.

        Returns:
            An object for `langchain_qdrant` (as `sparse_embedding`) and `langchain_milvus` (next to the dense
            embeddings). Both packages are optional.

        Raises:
            ValueError: The model has no sparse vectors.
        """
        self._require_ability("sparse", "sparse vectors")
        return ArkSparseEmbeddings(self)

    def embed_sparse(self, texts: Sequence[str], *, instructions: str | None = None) -> list[dict[int, float]]:
        """Embed texts as sparse vectors, for hybrid search.

        Args:
            texts: The texts.
            instructions: Replaces `document_instruction` in this call.

        Returns:
            For each text, the weights of its terms by term id.

        Raises:
            ValueError: A text is invalid, or the model has no sparse vectors.
            VolcArkError: A request failed after its retries. `completed` holds the results of the other requests.
        """
        return self._run(self._plan_sparse(as_list(texts, "texts"), instructions))

    async def aembed_sparse(
        self, texts: Sequence[str], *, instructions: str | None = None
    ) -> list[dict[int, float]]:
        """Same as `embed_sparse`, async."""
        return await self._arun(self._plan_sparse(as_list(texts, "texts"), instructions))

    def embed_multi(
        self, inputs: Sequence[EmbeddingInput], *, instructions: str | None = None
    ) -> list[list[list[float]]]:
        """Embed inputs as one vector per token, for late interaction (ColBERT).

        Args:
            inputs: Same as for `embed_inputs`.
            instructions: Replaces `document_instruction` in this call.

        Returns:
            For each input, a list of vectors: tokens × dimensions.

        Raises:
            ValueError: An input is invalid, or the model has no per-token vectors.
            VolcArkError: A request failed after its retries. `completed` holds the results of the other requests.
        """
        return self._run(self._plan_multi(as_list(inputs, "inputs"), instructions))

    async def aembed_multi(
        self, inputs: Sequence[EmbeddingInput], *, instructions: str | None = None
    ) -> list[list[list[float]]]:
        """Same as `embed_multi`, async."""
        return await self._arun(self._plan_multi(as_list(inputs, "inputs"), instructions))

    # --- plans --------------------------------------------------------------------------------------------

    def _plan_documents(self, texts: Sequence[str]) -> EmbeddingPlan[list[float]]:
        check_texts(texts, max_bytes=MAX_TEXT_BYTES)
        return self._plan(texts, self.document_instruction)

    def _plan_query(self, text: str) -> EmbeddingPlan[list[float]]:
        check_texts([text], max_bytes=MAX_TEXT_BYTES, name="The query")
        return self._plan([text], self.instruction_of_queries)

    @property
    def instruction_of_queries(self) -> str | None:
        """The instruction for queries: `query_instruction` if set, else the model's documented one."""
        if self.query_instruction is not None:
            return self.query_instruction
        known = find_model(self.model)
        return known.query if known else None

    def _plan_images(
        self, uris: Sequence[str | PathLike[str]], instructions: str | None
    ) -> EmbeddingPlan[list[float]]:
        if not self._is_multimodal():
            raise ValueError(
                f"{self.model} embeds text only: use a doubao-embedding-vision model for images (for an ep-… id, "
                "set multimodal=True)."
            )
        images = check_images(uris)

        def write(position: int) -> list[dict[str, Any]]:
            return write_input(position, image_block(images[position]))

        extra = {"dimensions": self._sent_dimensions()}
        plan = self._plan_parts(len(images), write, self._documents_with(instructions), self._read_dense, extra)
        return replace(plan, reads_files=True)

    def _plan_sparse(self, texts: Sequence[str], instructions: str | None) -> EmbeddingPlan[dict[int, float]]:
        self._require_ability("sparse", "sparse vectors")
        check_texts(texts, max_bytes=MAX_TEXT_BYTES)
        extra = {"sparse_embedding": {"type": "enabled"}}
        return self._plan_multimodal(texts, self._documents_with(instructions), read_sparse, extra)

    def _plan_multi(
        self, inputs: Sequence[EmbeddingInput], instructions: str | None
    ) -> EmbeddingPlan[list[list[float]]]:
        self._require_ability("multi", "a vector for each token")
        extra = {"dimensions": self._sent_dimensions(), "multi_embedding": {"type": "enabled"}}
        return self._plan_multimodal(inputs, self._documents_with(instructions), read_multi, extra)

    def _documents_with(self, instructions: str | None) -> str | None:
        if instructions is None:
            return self.document_instruction
        return str(check_value(str, "instructions", instructions))

    def _require_ability(self, ability: Literal["sparse", "multi"], what: str) -> None:
        known = find_model(self.model)
        if not self._is_multimodal() or (known is not None and not getattr(known, ability)):
            since = {"sparse": "250615", "multi": "251215"}[ability]
            raise ValueError(
                f"{self.model} does not make {what}: doubao-embedding-vision does, from version {since} on."
            )

    def _plan(self, inputs: Sequence[EmbeddingInput], instruction: str | None) -> EmbeddingPlan[list[float]]:
        if not self._is_multimodal():
            return self._plan_text(inputs, instruction)
        extra = {"dimensions": self._sent_dimensions()}
        return self._plan_multimodal(inputs, instruction, self._read_dense, extra)

    def _sent_dimensions(self) -> int | None:
        """`dimensions` for the multimodal endpoint, if the model supports it or is unknown."""
        known = find_model(self.model)
        return self.dimensions if known is None or known.sends_dimensions else None

    def _plan_text(self, inputs: Sequence[Any], instruction: str | None) -> EmbeddingPlan[list[float]]:
        check_dimensions(self.model, self.dimensions)
        for position, one in enumerate(inputs):
            if not isinstance(one, (str, bytes)):
                raise ValueError(  # noqa: TRY004
                    f"Input {position} is not a text, and {self.model} embeds text only: use a "
                    "doubao-embedding-vision model (for an ep-… id, set multimodal=True)."
                )
        sizes = check_texts(inputs, max_bytes=MAX_TEXT_BYTES)
        costs = [tokens_at_most(size) for size in sizes]

        def request(span: range) -> ServiceRequest:
            texts = [with_instruction(instruction, inputs[position]) for position in span]
            fields = {"input": texts, "encoding_format": self.encoding_format, "user": self.user}
            return self._request(_TEXT_PATH, fields)

        def read(payload: Mapping[str, Any], count: int) -> list[list[float]]:
            return read_rows(payload.get("data"), count, self._read_dense)

        spans = batches(costs, max_items=self.chunk_size, max_cost=self.chunk_tokens)
        return EmbeddingPlan(spans, request, read)

    def _plan_multimodal(
        self,
        inputs: Sequence[EmbeddingInput],
        instruction: str | None,
        read_row: Callable[[Mapping[str, Any]], T],
        extra: Mapping[str, Any],
    ) -> EmbeddingPlan[T]:
        written = write_inputs(inputs)
        return self._plan_parts(len(written), written.__getitem__, instruction, read_row, extra)

    def _plan_parts(
        self,
        count: int,
        write: Callable[[int], list[dict[str, Any]]],
        instruction: str | None,
        read_row: Callable[[Mapping[str, Any]], T],
        extra: Mapping[str, Any],
    ) -> EmbeddingPlan[T]:
        """A plan with one request per input; `write` returns the content parts of the input at a position."""
        check_dimensions(self.model, self.dimensions)  # checked again, because fields can be assigned

        def request(span: range) -> ServiceRequest:
            fields = {
                "input": write(span.start),
                "encoding_format": self.encoding_format,
                "instructions": instruction or None,
                **extra,
            }
            return self._request(_MULTIMODAL_PATH, fields)

        def read(payload: Mapping[str, Any], count: int) -> list[T]:  # noqa: ARG001 - always one
            return [read_row(read_data(payload))]

        spans = [range(position, position + 1) for position in range(count)]
        return EmbeddingPlan(spans, request, read)

    def _request(self, path: str, fields: Mapping[str, Any]) -> ServiceRequest:
        return self._in_batch(ServiceRequest(path, self._body(fields)))

    def _concurrency(self) -> int:
        if self.batch_inference and "max_concurrency" not in self.model_fields_set:
            return default_concurrency()
        return super()._concurrency()

    def _read_dense(self, row: Mapping[str, Any]) -> list[float]:
        return shape(read_vector(row.get("embedding")), self.dimensions, unit_length=self.normalize)
