"""Tables of error codes: which row decides, and which texts say that a prompt is too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.control_errors import ControlPlaneErrors
from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.exceptions import (
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServiceError,
    VolcArkError,
)
from langchain_volcark.http.error_table import ErrorFacts, ErrorTable, Row
from langchain_volcark.knowledge.errors import KnowledgeErrors
from langchain_volcark.qianfan.errors import QianfanErrors

TABLES = [ArkErrors.table, ControlPlaneErrors.table, QianfanErrors.table, KnowledgeErrors.table]
ROWS = (
    Row("Denied", PermissionDeniedError, "general"),
    Row("Denied.Busy", PermissionDeniedError, "busy", retryable=True),
    Row("Denied", InvalidRequestError, "with 400", status=400),
    Row("Denied", NotFoundError, "by text", message="no such"),
    Row("*Exceeded", RateLimitError, "short ending"),
    Row("*QuotaExceeded", QuotaExceededError, "long ending"),
    Row("plan_*", PermissionDeniedError, "beginning"),
)


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        (ErrorFacts("Denied", None), "general"),
        (ErrorFacts("Denied.Other.More", None), "general"),
        (ErrorFacts("Denied.Busy.More", None), "busy"),
        (ErrorFacts("Denied", None, 400), "with 400"),
        (ErrorFacts("Denied", "There is NO SUCH thing", 403), "by text"),
        (ErrorFacts("DailyExceeded", None), "short ending"),
        (ErrorFacts("DailyQuotaExceeded.Detail", None), "long ending"),
        (ErrorFacts("Denied.QuotaExceeded", None), "general"),
        (ErrorFacts("plan_of_mine", None), "beginning"),
    ],
)
def test_the_most_specific_row_decides(facts: ErrorFacts, advice: str) -> None:
    assert ErrorTable(ROWS).verdict(facts).advice == advice


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        (ErrorFacts("Unheard", None, 429), RateLimitError),
        (ErrorFacts(None, None, 502), ServiceError),
        (ErrorFacts("Unheard", None, 200), ServiceError),
        (ErrorFacts("401", "token expired", 200), AuthenticationError),
        (ErrorFacts("404", None, 200), NotFoundError),
    ],
)
def test_a_code_that_is_not_listed_goes_by_the_status(facts: ErrorFacts, error: type[VolcArkError]) -> None:
    assert ErrorTable(ROWS).verdict(facts).error is error


TOO_LONG = [
    "Total tokens of image and text exceed max message tokens.",
    "Total tokens of multi-modal content and text exceed max message tokens.",
    "The parameter `input` specified in the request is not valid: Input length 9000 exceeds the maximum length 8192.",
    (
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8000 in the messages, "
        "1000 in the completion). Please reduce the length of the messages or completion."
    ),
    "This model's maximum context length is 131072 tokens. However, your messages resulted in 140000 tokens.",
    "Requested token count exceeds the model's maximum context length of 32768 tokens.",
    "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
    "The sum of prompt tokens and max_tokens exceeds the maximum context length",
    "input characters limit is 256000",
    "the max input characters is 7200",
    "prompt is too long: 213 tokens > 200 maximum",
    "Prompt tokens too long",
    "the request exceeds the available context size. try increasing the context size",
    "Your input exceeds the context window of this model.",
    "The input token count (40000) exceeds the maximum number of tokens allowed (32768).",
    "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
    "Range of input length should be [1, 98304]",
    "Please reduce the length of the messages or completion.",
    "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
    "Invalid request: Your request exceeded model token limit: 262144",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292",
    "tokens in request more than max tokens allowed",
    "total tokens exceed the limit 4096",
    "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000",
    "This model supports at most 8192 input tokens",
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    "输入token超过最大长度",
    "请求超过最大上下文长度",
    "输入内容过长,请缩短后重试",
    "输入 token 数超过模型上限",
]
NOT_TOO_LONG = [
    (
        "The parameter `max_tokens` specified in the request is not valid: integer above maximum value, "
        "expected a value <= 32768, but got 64000"
    ),
    "max_tokens is too large: 200000. This model supports at most 128000 completion tokens",
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 100000. This model's maximum context length is 8192 "
        "tokens and your request has 20 input tokens (100000 > 8192 - 20)."
    ),
    "max_completion_tokens (300000) exceeds the maximum context length 262144",
    "Range of max_tokens should be [1, 8192]",
    "The length of `user` exceeds the maximum length 64",
    "stop sequence length exceeds the maximum 16",
    "total tokens per minute exceed the limit",
    "输入图片数量超过限制",
    "Image size exceeds the limit of 10 MB",
    "The request is larger than 64 MB",
    "last role must be user",
    "the length of messages must be an odd number",
    "Input list exceeds the maximum number of 256",
    "thinking.type is not supported by this model",
    "",
]


@pytest.mark.parametrize("table", TABLES, ids=["ark", "control", "qianfan", "knowledge"])
@pytest.mark.parametrize("message", TOO_LONG)
def test_a_prompt_that_is_too_long_is_known_by_its_text(table: ErrorTable, message: str) -> None:
    for facts in (ErrorFacts("InvalidParameter", message, 400), ErrorFacts(None, message, 500)):
        assert table.verdict(facts).error is ContextLengthError


@pytest.mark.parametrize("message", NOT_TOO_LONG)
def test_other_texts_are_not_taken_for_a_prompt_that_is_too_long(message: str) -> None:
    assert ArkErrors.table.verdict(ErrorFacts("InvalidParameter", message, 400)).error is InvalidRequestError


def test_an_error_about_max_tokens_is_not_about_the_prompt() -> None:
    facts = ErrorFacts("InvalidParameter", "above the maximum context length", 400, param="max_tokens")
    assert ArkErrors.table.verdict(facts).error is InvalidRequestError


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (403, PermissionDeniedError), (429, RateLimitError)]
)
def test_a_status_that_says_more_goes_before_the_text(status: int, error: type[VolcArkError]) -> None:
    assert ErrorTable(ROWS).verdict(ErrorFacts(None, "prompt is too long", status)).error is error


@given(st.text(max_size=30), st.sampled_from(TOO_LONG), st.text(max_size=30), st.sampled_from([str.upper, str]))
def test_the_words_are_found_wherever_they_stand(before: str, message: str, after: str, change: type[str]) -> None:
    facts = ErrorFacts("InvalidParameter", f"{before} {change(message)} {after}", 400)
    assert ArkErrors.table.verdict(facts).error is ContextLengthError


@given(st.text(max_size=200), st.integers(400, 599), st.text(max_size=40))
def test_every_error_has_a_verdict(message: str, status: int, code: str) -> None:
    for table in TABLES:
        assert issubclass(table.verdict(ErrorFacts(code, message, status)).error, VolcArkError)
