"""Verifies Volcengine signatures (HMAC-SHA256, "V4") of received requests.

Follows https://www.volcengine.com/docs/6369/67269. Differences from AWS Signature Version 4: the secret has
no prefix, and the scope ends with `request`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from langchain_volcark.emulator.state import RecordedRequest

MAX_SKEW_SECONDS = 15 * 60
REQUIRED_HEADERS = frozenset({"host", "x-date", "x-content-sha256"})

_AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class SignatureError(Exception):
    """The signature is invalid; `code` is the gateway's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Signer:
    """Accepted credentials, the service, and the headers that must be signed."""

    access_key: str
    secret_key: str
    service: str
    required: frozenset[str] = REQUIRED_HEADERS


def verify(request: RecordedRequest, signer: Signer, now: datetime) -> None:
    """Verify that a request is signed with the signer's secret.

    Args:
        request: The request as received.
        signer: The credentials it must be signed with.
        now: The server's time, with a time zone.

    Raises:
        SignatureError: The signature is invalid.
    """
    header = request.headers.get("authorization")
    if not header:
        raise SignatureError("MissingAuthenticationToken", "The request has no Authorization header.")
    claim = _AUTHORIZATION.fullmatch(header)
    if claim is None:
        raise SignatureError("InvalidAuthorization", "The Authorization header is not an HMAC-SHA256 signature.")
    if claim["key"] != signer.access_key:
        raise SignatureError("InvalidAccessKey", "The access key does not exist.")
    if claim["service"] != signer.service:
        raise SignatureError("InvalidCredential", f"The credential scope must name the service {signer.service}.")
    signed_headers = sorted(claim["headers"].split(";"))
    if missing := signer.required - set(signed_headers):
        raise SignatureError("SignatureDoesNotMatch", f"These headers must be signed: {sorted(missing)}.")
    _check_date(request.headers.get("x-date", ""), claim["date"], now)
    body_hash = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-content-sha256") != body_hash:
        raise SignatureError("SignatureDoesNotMatch", "X-Content-Sha256 is not the hash of the body received.")
    text = string_to_sign(request, signed_headers, claim["region"], claim["service"])
    key = signing_key(signer.secret_key, claim["date"], claim["region"], claim["service"])
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claim["signature"]):
        raise SignatureError("SignatureDoesNotMatch", "The signature is not the one calculated for this request.")


def canonical_request(request: RecordedRequest, signed_headers: list[str]) -> str:
    """Build the canonical request."""
    query = "&".join(
        sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in request.query.items())
    )
    lines = [request.method, quote(request.path or "/", safe="/-_.~"), query]
    lines += [f"{name}:{_header(request, name)}" for name in signed_headers]
    lines += ["", ";".join(signed_headers), hashlib.sha256(request.body).hexdigest()]
    return "\n".join(lines)


def string_to_sign(request: RecordedRequest, signed_headers: list[str], region: str, service: str) -> str:
    """Build the string to sign."""
    date = request.headers["x-date"]
    digest = hashlib.sha256(canonical_request(request, signed_headers).encode()).hexdigest()
    return f"HMAC-SHA256\n{date}\n{date[:8]}/{region}/{service}/request\n{digest}"


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Derive the signing key for one day, region and service."""
    key = secret.encode()
    for part in (date, region, service, "request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _header(request: RecordedRequest, name: str) -> str:
    value = request.headers.get(name)
    if value is None:
        raise SignatureError("SignatureDoesNotMatch", f"The signed header {name} did not arrive.")
    # The signature never includes the default port, whether clients send it or not.
    return re.sub(r":(80|443)$", "", value.strip()) if name == "host" else value.strip()


def _check_date(sent: str, scope_date: str, now: datetime) -> None:
    try:
        moment = datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise SignatureError("InvalidTimestamp", "X-Date must be like 20250102T030405Z.") from None
    if sent[:8] != scope_date:
        raise SignatureError("InvalidCredential", "The date of the credential scope is not that of X-Date.")
    if abs((now - moment).total_seconds()) > MAX_SKEW_SECONDS:
        raise SignatureError("InvalidTimestamp", "X-Date is more than 15 minutes from the server's time.")
