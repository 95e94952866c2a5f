"""Exact token counts from Ark's tokenization API.

Follows https://www.volcengine.com/docs/82379/1528728 (tokenization API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from langchain_volcark.ark.service import ArkService
from langchain_volcark.base.vectors import read_rows
from langchain_volcark.http.requests import ServiceRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.http.replies import Reply

_PATH = "/tokenization"


class ArkTokenization(ArkService):
    """Counts the tokens of texts exactly, with one request."""

    @overload
    def count_tokens_exactly(self, text: str, *, model: str | None = None) -> int: ...
    @overload
    def count_tokens_exactly(
        self, text: list[str] | tuple[str, ...], *, model: str | None = None
    ) -> list[int]: ...
    def count_tokens_exactly(
        self, text: str | list[str] | tuple[str, ...], *, model: str | None = None
    ) -> int | list[int]:
        """Request the number of tokens of a text; `get_num_tokens` estimates it without a request.

        Counts plain text only, without the tokens of a chat template or images. Not every model supports this.

        Args:
            text: A text, or several for one request.
            model: Model or endpoint id instead of the model's own.

        Returns:
            The number of tokens; for several texts a list in their order (`[]` for `[]`, without a request).

        Raises:
            ValueError: A text is not a string.
            VolcArkError: The request failed, for example because the model does not support it. There is no
                silent fallback to an estimate.

        Example:
            ```python
            model.count_tokens_exactly("常见的十字花科植物有哪些?")
            model.count_tokens_exactly(["one text", "another"])
            ```
        """
        texts = _texts(text)
        request = self._count_request(texts, model)
        counts = self._read_counts(self._client.post(request), len(texts)) if texts else []
        return counts[0] if isinstance(text, str) else counts

    @overload
    async def acount_tokens_exactly(self, text: str, *, model: str | None = None) -> int: ...
    @overload
    async def acount_tokens_exactly(
        self, text: list[str] | tuple[str, ...], *, model: str | None = None
    ) -> list[int]: ...
    async def acount_tokens_exactly(
        self, text: str | list[str] | tuple[str, ...], *, model: str | None = None
    ) -> int | list[int]:
        """Same as `count_tokens_exactly`, async."""
        texts = _texts(text)
        request = self._count_request(texts, model)
        counts = self._read_counts(await self._client.apost(request), len(texts)) if texts else []
        return counts[0] if isinstance(text, str) else counts

    def _count_request(self, texts: list[str], model: str | None) -> ServiceRequest:
        return ServiceRequest(_PATH, {"model": model or str(getattr(self, "model", "")), "text": texts})

    def _read_counts(self, reply: Reply, count: int) -> list[int]:
        return self._read_reply(reply, lambda payload: read_rows(payload.get("data"), count, _total))


def _texts(text: Any) -> list[str]:
    texts = [text] if isinstance(text, str) else list(text)
    for position, one in enumerate(texts):
        if not isinstance(one, str):
            raise ValueError(f"text[{position}] is not a text but {type(one).__name__!r}.")  # noqa: TRY004
    return texts


def _total(row: Mapping[str, Any]) -> int:
    total = row.get("total_tokens")
    if isinstance(total, bool) or not isinstance(total, int):
        raise ValueError("a row has no total_tokens")  # noqa: TRY004
    return total
