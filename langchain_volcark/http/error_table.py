"""Tables of error codes: which exception a code is, for every service.

A service's `errors.py` lists rows. How a row is found, and how a prompt that is too long is recognised, is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_volcark.exceptions import (
    APITimeoutError,
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServiceError,
    VolcArkError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHORTEN = "Shorten the messages, or lower max_tokens."
SETTLE = "The account is in arrears. Settle it in the console's billing pages."

_CLASS_BY_STATUS: dict[int, type[VolcArkError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: APITimeoutError,
    409: ServiceError,
    413: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
}


@dataclass(frozen=True)
class ErrorFacts:
    """What an error body says, in any vendor's envelope.

    Attributes:
        code: The service's code, as a string.
        message: The service's own text.
        status: HTTP status of the reply, where the same code means two things.
        param: The field of the request that the error is about, where the service names it.
    """

    code: str | None
    message: str | None
    status: int | None = None
    param: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What an error of a service means to a caller.

    Attributes:
        error: The exception class.
        advice: What the user should do next, one sentence, or empty.
        retryable: Overrides the class's own verdict; None keeps it.
    """

    error: type[VolcArkError]
    advice: str = ""
    retryable: bool | None = None


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        code: The code; it also stands for all codes below it (`Invalid` for `Invalid.Image`). `*` at its beginning
            or end stands for any text.
        error: The exception class.
        advice: What the user should do next, one sentence, or empty.
        retryable: Overrides the class's own verdict; None keeps it.
        status: The row holds for this HTTP status alone; None for any.
        message: The row holds where this pattern is found in the service's text, in any case; None for any text.
    """

    code: str
    error: type[VolcArkError]
    advice: str = ""
    retryable: bool | None = None
    status: int | None = None
    message: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What it says about an error."""
        return Verdict(self.error, self.advice, self.retryable)

    def holds(self, facts: ErrorFacts) -> bool:
        """Whether the row's conditions besides the code are met."""
        if self.status is not None and facts.status != self.status:
            return False
        return self.message is None or bool(re.search(self.message, facts.message or "", re.IGNORECASE))

    @property
    def is_conditional(self) -> bool:
        """Whether the row needs more than the code."""
        return self.status is not None or self.message is not None


# What OpenAI-compatible gateways answer in front of any service.
_GATEWAY_ROWS = (
    Row("context_length_exceeded", ContextLengthError, SHORTEN),
    Row("exceed_context_size_error", ContextLengthError, SHORTEN),
    Row("insufficient_quota", QuotaExceededError, "The account behind the gateway has no balance left."),
)


class ErrorTable:
    """The error codes of one service.

    The most specific row decides: the code as a whole, then its dotted prefixes from long to short, then the rows
    with a `*`, those with more letters first. Among rows of one code those with a condition come first.

    Args:
        rows: The service's rows.
        too_long: Advice where a prompt is too long.
    """

    def __init__(self, rows: Sequence[Row], *, too_long: str = SHORTEN) -> None:
        self.rows = tuple(rows)
        self._too_long = Verdict(ContextLengthError, too_long)
        self._exact: dict[str, list[Row]] = {}
        self._open: list[Row] = []
        for row in sorted((*rows, *_GATEWAY_ROWS), key=lambda row: not row.is_conditional):
            if "*" in row.code:
                self._open.append(row)
            else:
                self._exact.setdefault(row.code, []).append(row)
        self._open.sort(key=lambda row: -len(row.code))

    def verdict(self, facts: ErrorFacts) -> Verdict:
        """What an error means: by its row, else by the HTTP status.

        Args:
            facts: Code, text and status of the error.
        """
        row = next((row for row in self._candidates(facts.code or "") if row.holds(facts)), None)
        verdict = row.verdict if row else Verdict(_class_without_row(facts))
        # No service has a code of its own for every prompt that is too long: the text says so under a general one.
        if verdict.error in _GENERAL and is_too_long(facts):
            return self._too_long
        return verdict

    def _candidates(self, code: str) -> Iterator[Row]:
        parts = code.split(".")
        prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        for prefix in prefixes:
            yield from self._exact.get(prefix, ())
        for row in self._open:
            if any(_matches(row.code, prefix) for prefix in prefixes):
                yield row


def _matches(pattern: str, code: str) -> bool:
    if pattern.startswith("*"):
        return code.endswith(pattern[1:])
    return code.startswith(pattern[:-1])


# Classes that say no more than that the request, or the call, failed.
_GENERAL = frozenset({InvalidRequestError, ServiceError})


def class_for_status(status: int) -> type[VolcArkError]:
    """The exception class for an HTTP status alone."""
    if status in _CLASS_BY_STATUS:
        return _CLASS_BY_STATUS[status]
    if status >= 500:
        return ServiceError
    if status >= 400:
        return InvalidRequestError
    return ResponseFormatError


def _class_without_row(facts: ErrorFacts) -> type[VolcArkError]:
    if facts.status is not None and facts.status >= 400:
        return class_for_status(facts.status)
    # Inside a 200 the code may be the HTTP status that a gateway kept for itself.
    if facts.code and re.fullmatch(r"[45]\d\d", facts.code):
        return class_for_status(int(facts.code))
    return ServiceError


_WORDINGS = (
    # Ark: "Total tokens of image and text exceed max message tokens", and of "multi-modal content and text".
    r"exceeds? (?:the )?max(?:imum)? message tokens",
    # Ark's embeddings and older models: "Input length 9000 exceeds the maximum length 8192".
    r"(?<!\bstop )\b(?:input|prompt|context|sequence)(?: (?:tokens?|text))? length\b.{0,40}\bexceed",
    r"\blength of (?:the )?(?:input|prompt)\b.{0,40}\bexceed",
    r"\brange of input length should be",
    # Qianfan: "input characters limit is 256000", "the max input characters is 7200".
    r"\binput (?:characters?|tokens?) limit",
    r"\bmax(?:imum)? (?:number of )?input (?:characters|tokens|length) (?:is|are|of)\b",
    r"\b(?:prompt|input)(?: text| tokens?| characters?| content)? (?:is |are )?too long",
    r"\b(?:prompt|input)\b[^.]{0,60}\blonger than (?:the )?[^.]{0,20}\b(?:length|context)",
    r"\binput token(?:s| count)?\b[^.]{0,40}\bexceeds? the (?:maximum|configured limit)",
    # Gateways: "This model's maximum context length is 8192 tokens", "exceeds the available context size".
    r"\bmax(?:imum)? (?:context|prompt) (?:length|size|window)",
    r"\breduce the length of (?:the |your )?(?:messages|prompt|input|conversation)",
    # Moonshot: "Your request exceeded model token limit: 262144".
    r"\bexceed(?:s|ed)? (?:the )?model(?:'s)? token limit",
    # Cohere: "too many tokens: total number of tokens in the prompt cannot exceed 4081".
    r"\btokens in (?:the |your )?(?:prompt|input|request|messages)\b[^.]{0,40}\b(?:exceed|more than)",
    r"\btotal tokens\b(?! per)[^.]{0,40}\bexceed",
    # Text Generation Inference: "`inputs` must have less than 1024 tokens. Given: 2000".
    r"\b(?:inputs?|prompt)`? must have (?:less|fewer) than \d+ tokens",
    r"\bat most \d+ input tokens",
    r"\bcontext[ _](?:length|size|window|limit)s?\b.{0,40}\bexceed",
    r"\bexceed(?:s|ed|ing)?\b.{0,60}\bcontext[ _](?:length|size|window|limit)",
    r"(?:输入|提示词|上下文|prompt)[^,。;]{0,20}(?:过长|太长|超长)",
    r"(?:输入|提示词|上下文|prompt)[^,。;]{0,20}(?:长度|字符数|token)[^,。;]{0,10}(?:超过|超出|超限)",
    r"(?:超过|超出)[^,。;]{0,12}(?:上下文|输入)[^,。;]{0,6}(?:长度|窗口|限制|上限)",
)
# Compiled at the first error, not at import.
_TOO_LONG = "|".join(_WORDINGS)
# A value of `max_tokens` that the model does not take is no long prompt, even where the text names the context;
# the sum of both is ("input length and `max_tokens` exceed context limit").
_MAX_TOKENS_REFUSED = (
    r"(?<!and )(?<!and .)(?<!plus )(?<!plus .)(?<!\+ )(?<!\+ .)"
    r"\bmax_(?:completion_|output_|new_)?tokens\b[^.]{0,60}?"
    r"(?:\btoo (?:large|big|high)|\babove maximum|\bnot valid|\binvalid|\bmust\b|\bshould\b|\bexceeds\b"
    r"|\b(?:greater|larger|more) than|\bat most|\bexpected a value)"
    r"|\brange of max_\w*tokens"
)
_FLAGS = re.IGNORECASE | re.DOTALL


def is_too_long(facts: ErrorFacts) -> bool:
    """Whether a service's text says that the prompt does not fit; it may be English or Chinese."""
    message = facts.message or ""
    if not re.search(_TOO_LONG, message, _FLAGS) or re.search(_MAX_TOKENS_REFUSED, message, _FLAGS):
        return False
    return re.fullmatch(r"max_\w*tokens", facts.param or "") is None
