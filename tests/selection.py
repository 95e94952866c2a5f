"""Selects the collected tests: the fault matrix in pairs, no standard tests of unsupported features."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Any

import pytest

PAIRWISE = "pairwise"
"""Marker with the names of parameters: of their combinations so many run that each pair of values occurs."""

_NEEDS = {
    "test_anthropic_inputs": "supports_anthropic_inputs",
    "test_audio_inputs": "supports_audio_inputs",
    "test_image_inputs": "supports_image_inputs",
    "test_image_tool_message": "supports_image_tool_message",
    "test_json_mode": "supports_json_mode",
    "test_pdf_inputs": "supports_pdf_inputs",
    "test_pdf_tool_message": "supports_pdf_tool_message",
    "test_tool_choice": "has_tool_choice",
    **dict.fromkeys(
        (
            "test_agent_loop",
            "test_bind_runnables_as_tools",
            "test_bind_tool_pydantic",
            "test_structured_few_shot_examples",
            "test_tool_calling",
            "test_tool_calling_async",
            "test_tool_calling_with_no_arguments",
            "test_tool_message_error_status",
            "test_tool_message_histories_list_content",
            "test_tool_message_histories_string_content",
            "test_unicode_tool_call_integration",
        ),
        "has_tool_calling",
    ),
    **dict.fromkeys(
        (
            "test_structured_output",
            "test_structured_output_async",
            "test_structured_output_optional_param",
            "test_structured_output_pydantic_2_v1",
            "test_with_structured_output",
        ),
        "has_structured_output",
    ),
    **dict.fromkeys(
        (
            "test_ainvoke_with_model_override",
            "test_astream_with_model_override",
            "test_invoke_with_model_override",
            "test_stream_with_model_override",
        ),
        "model_override_value",
    ),
}
"""Tests of `langchain_tests`, and the property of the suite without which each skips itself."""


def applies(item: pytest.Item) -> bool:
    """Whether a test of the standard suites is about something that the class under test has."""
    cls = getattr(item, "cls", None)
    needs = _NEEDS.get(getattr(item, "originalname", ""))
    if cls is None or needs is None or not hasattr(cls, needs):
        return True
    return bool(getattr(cls(), needs))


def pairwise(rows: Sequence[tuple[Hashable, ...]]) -> list[int]:
    """Choose rows so that each pair of values that occurs in some row occurs in a chosen one.

    Args:
        rows: Combinations of values, all of one length.

    Returns:
        The positions of the chosen rows, in order; the same every time.
    """
    groups: dict[Hashable, list[int]] = {}
    for position, row in enumerate(rows):
        groups.setdefault(row[0], []).append(position)
    covered: set[Any] = set()
    chosen: list[int] = []
    for positions in groups.values():
        left = list(positions)
        while left:
            best = max(left, key=lambda position: len(_pairs(rows[position]) - covered))
            new = _pairs(rows[best]) - covered
            if not new:
                break
            covered |= new
            chosen.append(best)
            left.remove(best)
    return sorted(chosen)


def _pairs(row: tuple[Hashable, ...]) -> set[Any]:
    return {(one, row[one], other, row[other]) for one, other in combinations(range(len(row)), 2)}


def left_out(items: Sequence[pytest.Item], *, whole_matrix: bool) -> list[pytest.Item]:
    """The collected tests that do not run.

    Args:
        items: All that were collected.
        whole_matrix: Whether every combination runs that `pairwise` marks.
    """
    out = [item for item in items if not applies(item)]
    if whole_matrix:
        return out
    marked: dict[Any, list[tuple[pytest.Item, tuple[Hashable, ...]]]] = {}
    for item in items:
        if (marker := item.get_closest_marker(PAIRWISE)) is not None:
            params = item.callspec.params  # type: ignore[attr-defined]
            row = tuple(getattr(params[name], "name", None) or params[name].__name__ for name in marker.args)
            marked.setdefault((item.path, item.originalname), []).append((item, row))  # type: ignore[attr-defined]
    for cells in marked.values():
        keep = set(pairwise([row for _, row in cells]))
        out.extend(item for position, (item, _) in enumerate(cells) if position not in keep)
    return out
