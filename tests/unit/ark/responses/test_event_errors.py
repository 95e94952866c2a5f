"""Which events of a response's stream are errors, and what they say."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_volcark.ark.errors import ArkErrors

SAID = {"code": "InvalidParameter", "message": "Bad."}


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "error", **SAID, "sequence_number": 3},
        {"type": "error", "error": SAID},
        {"type": "response.failed", "response": {"status": "failed", "error": SAID}},
        {"type": "response.failed", "error": SAID},
        {"error": SAID},
    ],
)
def test_errors_are_read_in_every_form(payload: dict[str, Any]) -> None:
    facts = ArkErrors().in_payload(payload)
    assert facts is not None
    assert (facts.code, facts.message) == ("InvalidParameter", "Bad.")


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "response.image_process_call.failed", "error": {"message": "invalid image index"}},
        {"type": "response.doubao_app_call.failed", "error_message": "no", "code": "x", "message": "y"},
        {"type": "response.mcp_call.failed", "error": "no such tool"},
    ],
)
def test_a_tool_that_failed_is_no_error_of_the_response(payload: dict[str, Any]) -> None:
    assert ArkErrors().in_payload(payload) is None
