"""Replies that are one JSON object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.http.bodies import read_body
from langchain_volcark.http.errors import error_from_facts, error_from_response, find_error, format_error

if TYPE_CHECKING:
    import httpx

    from langchain_volcark.http.errors import ErrorReader


@dataclass(frozen=True)
class Reply:
    """A successful reply: the parsed body, and the response it came in."""

    payload: dict[str, Any]
    response: httpx.Response

    @property
    def headers(self) -> httpx.Headers:
        """The response's headers."""
        return self.response.headers


def read_json_reply(response: httpx.Response, errors: ErrorReader, *, secret: bool = False) -> dict[str, Any]:
    """Read a reply that should be a JSON object.

    Args:
        response: Its body has been read.
        errors: The service's reader of errors.
        secret: Whether it may hold a secret, so that nothing of it is shown where it is not understood.

    Returns:
        The object.

    Raises:
        VolcArkError: The reply is an error, whatever its status, or not a JSON object.
    """
    if not response.is_success:
        raise error_from_response(response, errors)
    try:
        values = read_body(response.content)
    except ValueError as error:
        raise format_error(response, errors, "it is not JSON", secret=secret) from error
    found = find_error(values, errors)
    if found is not None:
        raise error_from_facts(*found, response, errors)
    if len(values) != 1:
        raise format_error(response, errors, "it is several JSON texts where one belongs", secret=secret)
    if not isinstance(values[0], dict):
        raise format_error(response, errors, "it is not a JSON object", secret=secret)
    return values[0]
