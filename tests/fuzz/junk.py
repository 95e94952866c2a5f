"""Hypothesis strategies: arbitrary JSON, documented JSON with errors, bytes cut anywhere."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st


def examples(number: int) -> settings:
    """So many examples in the suite; as many as the profile says where new ones are looked for."""
    return settings(max_examples=number) if settings.default.derandomize else settings()


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


# Words that mean something somewhere: to us, to LangChain, to Python.
WORDS = (
    *(
        "",
        " ",
        "0",
        "NaN",
        "1e400",
        "stop",
        "length",
        "content_filter",
        "[DONE]",
        "{",
        '{"a": "',
        "[1]^[2]^",
        "v1",
    ),
    *(
        "data:,",
        "data:text/plain;base64,AA",
        "text/plain",
        "http://[",
        "2025年04月08日 10:30:00(CST)",
        "\ud83d",
        "😀",
    ),
)
texts = st.sampled_from(WORDS) | st.text(st.characters(), max_size=6)
numbers = (
    st.integers(-3, 30)
    | st.sampled_from([10**400, -(2**63), 1e308, float("nan"), float("inf"), -0.0])
    | st.floats(allow_nan=False)
)
scalars = st.none() | st.booleans() | numbers | texts
NAMES = (
    *(
        "id",
        "index",
        "type",
        "text",
        "content",
        "name",
        "url",
        "title",
        "message",
        "code",
        "error",
        "data",
        "usage",
    ),
    *("model_provider", "model_name", "finish_reason", "request_id", "output_version", "references", "metadata"),
    *("reasoning_content", "reasoning", "tool_calls", "function_call", "extras", "logprobs", "delta_tag"),
)
names = st.sampled_from(NAMES) | texts
values = st.recursive(
    scalars | st.builds(nested, st.sampled_from([10, 190, 210])),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(names, children, max_size=3),
    max_leaves=6,
)
"""Any JSON value."""


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if len(path) > 12:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


@st.composite
def damaged(draw: st.DrawFn, sample: Any) -> Any:
    """A value with one to three places replaced, taken away, doubled or added to."""
    value = copy.deepcopy(sample)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = ("root", *draw(st.sampled_from(list(_places(value)))))
        holder: Any = {"root": value}
        for step in path:
            holder = holder[step]
        old = holder[last]
        how = draw(st.sampled_from(["replace", "remove", "wrap", "add", "empty"]))
        if how == "remove" and path:
            del holder[last]
        elif how == "add" and isinstance(old, dict):
            old[draw(names)] = draw(values)
        elif how == "add" and isinstance(old, list):
            old.insert(draw(st.integers(0, len(old))), draw(values))
        elif how == "empty" and isinstance(old, (str, list, dict)):
            holder[last] = type(old)()
        else:
            holder[last] = [old] if how == "wrap" else draw(scalars | values)
        value = value if path else holder["root"]
    return value


def write_json(value: Any) -> bytes:
    """The value as a careless service would write it: with NaN, and halves of emoji escaped."""
    return json.dumps(value).encode()


def sse(payloads: list[Any], *, done: bool = True) -> bytes:
    lines = [b"data: " + write_json(payload) + b"\n\n" for payload in payloads]
    return b"".join([*lines, b"data: [DONE]\n\n" if done else b""])


@st.composite
def pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[start:end] for start, end in itertools.pairwise([0, *cuts, len(data)])]
