"""Embedding replies in Ark's wire format with vectors of the upstream server.

Text: https://www.volcengine.com/docs/82379/1521766. Multimodal: https://www.volcengine.com/docs/82379/1523520.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import embedding
from langchain_volcark.emulator.ark.embeddings import embedding_object, encode_vector
from langchain_volcark.emulator.ark.errors import invalid
from langchain_volcark.emulator.ark.relay import ark_error
from langchain_volcark.emulator.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.embedding_request import MultimodalRequest, TextRequest
    from langchain_volcark.emulator.upstream.client import Upstream

Json = dict[str, Any]


async def text_embeddings(upstream: Upstream, request: TextRequest) -> Json:
    """Build the reply of `/embeddings`, with the dimensions of the upstream model.

    Raises:
        ArkError: The upstream server failed.
    """
    vectors, used = await _embed(upstream, request.texts, request.model.id)
    rows = [
        {"object": "embedding", "index": index, "embedding": encode_vector(vector, packed=request.base64)}
        for index, vector in enumerate(vectors)
    ]
    return embedding_object(request.model.id, rows, {"prompt_tokens": used, "total_tokens": used})


async def multimodal_embedding(upstream: Upstream, request: MultimodalRequest) -> Json:
    """Build the reply of `/embeddings/multimodal` for texts, joined after the instructions.

    Raises:
        ArkError: The upstream server failed, or the request has more than text.
    """
    if any(part["type"] != "text" for part in request.parts):
        raise invalid("input", "the upstream server embeds texts only")
    if request.multi:
        raise invalid("multi_embedding", "the upstream server has one vector for a text")
    text = "\n".join(part["text"] for part in request.parts)
    vectors, used = await _embed(upstream, [(request.instructions or "") + text], request.model.id)
    vector = vectors[0][: request.dimensions]
    row: Json = {"object": "embedding", "embedding": encode_vector(vector, packed=request.base64)}
    if request.sparse:
        # Emulated, because such servers have no sparse vectors.
        row["sparse_embedding"] = [{"index": key, "value": one} for key, one in embedding.sparse(text).items()]
    details = {"text_tokens": used, "image_tokens": 0}
    usage = {"prompt_tokens": used, "total_tokens": used, "prompt_tokens_details": details}
    return embedding_object(request.model.id, row, usage)


async def _embed(upstream: Upstream, texts: list[str], model: str) -> tuple[list[list[float]], int]:
    try:
        return await upstream.embed(texts, model)
    except UpstreamError as error:
        raise ark_error(error) from None
