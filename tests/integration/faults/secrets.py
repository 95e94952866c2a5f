"""Recognisable secrets, and all the places where they must not appear."""

from __future__ import annotations

import base64
import copy
import html
import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
from langchain_core.load import dumps
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.tracers.schemas import Run

import langchain_volcark

PACKAGE = str(Path(langchain_volcark.__file__).parent)
LOGGERS = (
    "",
    "httpx",
    "httpcore",
    "httpcore.http11",
    "httpcore.connection",
    "httpcore.proxy",
    "asyncio",
    "langchain_volcark",
)


def canary(name: str) -> str:
    """A secret that is found wherever it is, with characters that are written otherwise in URLs and in HTML."""
    return f"canary-{name}-5f3/Qz+w=&c9"


def forms(secret: str) -> set[str]:
    """The ways to write a secret."""
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        secret.encode().hex(),
        *(_in_base64(secret, shift) for shift in range(3)),
    }


def _in_base64(secret: str, shift: int) -> str:
    """What base64 makes of a secret within a text, but for the characters that depend on its neighbours."""
    encoded = base64.b64encode(b"\0" * shift + secret.encode()).decode()
    return encoded[(0, 2, 3)[shift] : -4]


def found(text: str, secrets: list[str]) -> list[str]:
    """Each secret that a text holds, with what stands before it."""
    places = ((text.find(form), form) for secret in secrets for form in forms(secret))
    return [text[max(0, place - 150) : place + len(form)] for place, form in places if place >= 0]


# --- where a secret must not be ---------------------------------------------------------------------------


def shown_by_object(model: Any) -> str:
    return " ".join([repr(model), str(model), repr(model.model_dump()), dumps(model)])


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that hang on it."""
    pending, seen = [error], set()
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += [other for other in (one.__cause__, one.__context__) if other is not None]
        pending += list(getattr(one, "exceptions", ()))


def shown_by_error(error: BaseException, *, variables: bool = True) -> str:
    """All that an exception and those behind it show.

    Args:
        error: The exception.
        variables: Whether to look into the frames of the package as well.
    """
    text = " ".join(piece for one in chain(error) for piece in _pieces(one))
    return text + (" ".join(piece for one in chain(error) for piece in _variables(one)) if variables else "")


def _pieces(error: BaseException) -> Iterator[str]:
    yield from traceback.format_exception(error)
    yield f"{error!s} {error!r} {error.args!r} {vars(error)!r} {getattr(error, '__notes__', '')!r}"
    for name in ("doc", "object", "input"):  # what decoders hang on their exceptions
        yield repr(getattr(error, name, ""))
    for response in (getattr(error, "response", None),):
        if isinstance(response, httpx.Response):
            yield f"{response.headers.raw!r} {_text_of(response)} {response.extensions!r}"
            yield _request_of(response)
    yield _request_of(error)
    yield from _copies(error)


def _text_of(response: httpx.Response) -> str:
    try:
        return response.text
    except httpx.ResponseNotRead:  # of a hook of the user's own client, which raised before
        return ""


def _request_of(holder: Any) -> str:
    try:
        request = holder.request
    except (AttributeError, RuntimeError):
        return ""
    return f"{request.url!s} {request.headers.raw!r} {request.content!r} {request.extensions!r}"


def _copies(error: BaseException) -> Iterator[str]:
    if not type(error).__module__.startswith("langchain_volcark"):
        return
    pickled = pickle.dumps(error)
    yield pickled.decode("latin-1")
    for copied in (pickle.loads(pickled), copy.copy(error), copy.deepcopy(error)):
        yield f"{copied!s} {vars(copied)!r}"


def _variables(error: BaseException) -> Iterator[str]:
    """Local variables of the package's frames, as error trackers print them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(PACKAGE):
            yield f"{frame.f_code.co_qualname if hasattr(frame.f_code, 'co_qualname') else ''} {frame.f_locals!r}"


def shown_by_trace(collector: RunCollectorCallbackHandler) -> str:
    return " ".join(_of_run(run) for run in collector.traced_runs)


def _of_run(run: Run) -> str:
    own = f"{run.serialized!r} {run.inputs!r} {run.outputs!r} {run.extra!r} {run.error!r} {run.events!r} {run.tags!r}"
    return " ".join([own, *(_of_run(child) for child in run.child_runs)])


def shown_by_logs(records: list[logging.LogRecord]) -> str:
    return " ".join(f"{record.getMessage()} {vars(record)!r}" for record in records)
