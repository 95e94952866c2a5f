"""Verifies `bce-auth-v1` signatures of received requests.

Follows https://cloud.baidu.com/doc/Reference/s/njwvz1yfu.
"""

from __future__ import annotations

import hmac
import string
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_volcark.emulator.state import RecordedRequest

MAX_SKEW = timedelta(minutes=15)

_UNRESERVED = frozenset((string.ascii_letters + string.digits + "-_.~").encode())
_DEFAULT_HEADERS = ("host", "content-md5", "content-length", "content-type")


class BceSignatureError(Exception):
    """The signature is invalid; `code` is the gateway's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def verify(request: RecordedRequest, access_key: str, secret_key: str, now: datetime) -> None:
    """Verify that a request is signed with a secret.

    Args:
        request: The request as received.
        access_key: The accepted access key.
        secret_key: Its secret key.
        now: The server's time, with a time zone.

    Raises:
        BceSignatureError: The signature is invalid.
    """
    parts = request.headers.get("authorization", "").split("/")
    if len(parts) != 6 or parts[0] != "bce-auth-v1":
        raise BceSignatureError(
            "InvalidHTTPAuthHeader", "The Authorization header is not a bce-auth-v1 signature."
        )
    _, key, stamp, lifetime, names, signature = parts
    if key != access_key:
        raise BceSignatureError("InvalidAccessKeyId", f"Could not find credential of {key}.")
    _check_time(stamp, lifetime, now)
    signed = _signed_headers(request, names)
    text = canonical_text(request, signed)
    middle = _digest(secret_key, f"bce-auth-v1/{key}/{stamp}/{lifetime}")
    if not hmac.compare_digest(_digest(middle, text), signature):
        raise BceSignatureError(
            "SignatureDoesNotMatch", "The signature is not the one calculated for this request."
        )


def canonical_text(request: RecordedRequest, names: list[str]) -> str:
    """Build the canonical request, the text that is signed."""
    pairs = [
        f"{_encode(name)}={_encode(value)}"
        for name, value in request.query.items()
        if name.lower() != "authorization"
    ]
    headers = [f"{_encode(name)}:{_encode(request.headers[name].strip())}" for name in names]
    path = "/".join(_encode(piece) for piece in request.path.split("/"))
    return "\n".join([request.method, path, "&".join(sorted(pairs)), "\n".join(sorted(headers))])


def _signed_headers(request: RecordedRequest, names: str) -> list[str]:
    present = [name.lower() for name in request.headers]
    if names:
        chosen = names.split(";")
    else:
        chosen = [name for name in present if name in _DEFAULT_HEADERS or name.startswith("x-bce-")]
    if "host" not in chosen:
        raise BceSignatureError("SignatureDoesNotMatch", "The header host must be signed.")
    if missing := [name for name in chosen if name.lower() not in present]:
        raise BceSignatureError("SignatureDoesNotMatch", f"The signed headers {missing} did not arrive.")
    return [name for name in chosen if request.headers[name].strip()]


def _check_time(stamp: str, lifetime: str, now: datetime) -> None:
    try:
        moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        end = moment + timedelta(seconds=int(lifetime))
    except ValueError:
        raise BceSignatureError("InvalidHTTPAuthHeader", "The time must be like 2025-01-02T03:04:05Z.") from None
    if now > end or moment - now > MAX_SKEW:
        raise BceSignatureError("RequestExpired", "The signature has expired, or the client's clock is wrong.")


def _encode(text: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def _digest(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()
