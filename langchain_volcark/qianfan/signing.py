"""Baidu Cloud's request signature, version 1 (`bce-auth-v1`).

Follows https://cloud.baidu.com/doc/Reference/s/njwvz1yfu. The body is not signed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPIRATION_SECONDS = 300
"""Validity of a signature, the same as in the official SDK."""

_SIGNED = frozenset({"host", "content-type", "content-md5"})


def sign(
    method: str,
    url: httpx.URL | str,
    headers: Mapping[str, str],
    *,
    access_key: str,
    secret_key: str,
    now: dt.datetime,
    expires_in: int = EXPIRATION_SECONDS,
    also_signed: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Sign a request.

    The signature covers the method, the path, the query, the host, and the headers `Content-Type`, `Content-MD5`
    and `x-bce-*`; none of these may change afterwards.

    Args:
        method: The HTTP method.
        url: The full URL as it will be sent.
        headers: The headers as they will be sent. A `Host` header overrides the host of the URL.
        access_key: IAM access key.
        secret_key: IAM secret key.
        now: The time, with a time zone.
        expires_in: Seconds for which the signature is valid.
        also_signed: Names of additional headers to sign, in lower case.

    Returns:
        The headers to add: `x-bce-date` and `Authorization`.

    Raises:
        ValueError: The time has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The time of a signature needs a time zone")
    url = httpx.URL(url)
    date = now.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    lowered = {name.lower(): value for name, value in headers.items()}
    lowered.setdefault("host", url.netloc.decode("ascii"))
    lowered["x-bce-date"] = date
    signed = {
        name: value.strip()
        for name, value in lowered.items()
        if value.strip() and (name in _SIGNED or name in also_signed or name.startswith("x-bce-"))
    }
    prefix = f"bce-auth-v1/{access_key}/{date}/{expires_in}"
    # The second key is the hexadecimal text of the first digest, not its bytes.
    signature = _hmac(_hmac(secret_key, prefix), canonical_request(method, url, signed))
    return {"x-bce-date": date, "Authorization": f"{prefix}/{';'.join(sorted(signed))}/{signature}"}


def canonical_request(method: str, url: httpx.URL, signed: Mapping[str, str]) -> str:
    """Build the canonical request, the text that is signed.

    Args:
        method: The HTTP method.
        url: The full URL.
        signed: The headers to sign, names in lower case.
    """
    path, _, query = url.raw_path.partition(b"?")
    lines = sorted(f"{_escape(name.encode())}:{_escape(value.encode())}" for name, value in signed.items())
    return "\n".join([method.upper(), _escape(unquote_to_bytes(path), "/"), _query(query), "\n".join(lines)])


def _query(raw: bytes) -> str:
    pairs = []
    for item in raw.split(b"&"):
        name, _, value = (unquote_to_bytes(part) for part in item.replace(b"+", b" ").partition(b"="))
        if item and name.lower() != b"authorization":
            pairs.append(f"{_escape(name)}={_escape(value)}")
    return "&".join(sorted(pairs))


def _escape(raw: bytes, safe: str = "") -> str:
    return quote(raw, safe="-_.~" + safe)


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
