"""Volcengine's request signature, version 4 (HMAC-SHA256).

Follows https://www.volcengine.com/docs/6369/67269. It is similar to AWS Signature Version 4, but the secret key
has no prefix and the scope ends with `request`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

import httpx
from pydantic import SecretStr

from langchain_volcark.http.auth import secret_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

_ALGORITHM = "HMAC-SHA256"


def sign(
    method: str,
    url: httpx.URL | str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    access_key: str,
    secret_key: str,
    region: str,
    service: str,
    now: dt.datetime,
    session_token: str | None = None,
) -> dict[str, str]:
    """Sign a request.

    Signed are the method, the path, the query, the body, the host and the headers `Content-Type`,
    `Content-MD5` and `X-*`; none of these may change afterwards.

    Args:
        method: The HTTP method.
        url: The full URL as it will be sent.
        headers: The headers as they will be sent. A `Host` header takes precedence over the URL's host.
        body: The bytes which will be sent.
        access_key: Access key id.
        secret_key: Secret access key, as the console shows it.
        region: Such as `cn-beijing`.
        service: Such as `ark` or `air`.
        now: The time, with a time zone. Services accept a few minutes of difference.
        session_token: Token that belongs to temporary keys.

    Returns:
        The headers to add: `X-Date`, `X-Content-Sha256`, `Authorization` and, for temporary keys,
        `X-Security-Token`.

    Raises:
        ValueError: The time has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The time of a signature needs a time zone")
    url = httpx.URL(url)
    date = now.astimezone(dt.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    added = {"X-Date": date, "X-Content-Sha256": digest}
    if session_token is not None:
        added["X-Security-Token"] = session_token

    names, lines = _canonical_headers(url, {**_lowered(headers), **_lowered(added)})
    path, _, query = url.raw_path.partition(b"?")
    canonical = "\n".join([method.upper(), _path(path), _query(query), lines, names, digest])
    scope = f"{date[:8]}/{region}/{service}/request"
    to_sign = "\n".join([_ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = _hmac(_signing_key(secret_key, scope), to_sign).hex()
    added["Authorization"] = (
        f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return added


class VolcSignatureAuth(httpx.Auth):
    """httpx authentication that signs each request, including its body.

    Example:
        >>> auth = VolcSignatureAuth("AKLT…", "…", region="cn-beijing", service="air")
        >>> httpx.post(url, json=body, auth=auth)  # doctest: +SKIP

    Args:
        access_key: Access key id.
        secret_key: Secret access key.
        region: Such as `cn-beijing`.
        service: Such as `ark` or `air`.
        session_token: Token that belongs to temporary keys.
        clock: Returns the time, with a time zone.
    """

    requires_request_body = True

    def __init__(
        self,
        access_key: SecretStr | str,
        secret_key: SecretStr | str,
        *,
        region: str,
        service: str,
        session_token: SecretStr | str | None = None,
        clock: Callable[[], dt.datetime] | None = None,
    ) -> None:
        self._access_key = _secret(access_key)
        self._secret_key = _secret(secret_key)
        self._session_token = None if session_token is None else _secret(session_token)
        self._region = region
        self._service = service
        self._clock = clock or _utc_now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the signature headers, replacing those of an earlier attempt."""
        token = self._session_token
        added = sign(
            request.method,
            request.url,
            request.headers,
            request.content,
            access_key=secret_text(self._access_key, "access_key"),
            secret_key=secret_text(self._secret_key, "secret_key"),
            region=self._region,
            service=self._service,
            now=self._clock(),
            session_token=None if token is None else secret_text(token, "session_token"),
        )
        request.headers.update(added)
        yield request

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region={self._region!r}, service={self._service!r})"


def _secret(value: SecretStr | str) -> SecretStr:
    return value if isinstance(value, SecretStr) else SecretStr(value)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _canonical_headers(url: httpx.URL, headers: dict[str, str]) -> tuple[str, str]:
    """The names of the signed headers, and their canonical lines."""
    host = headers.get("host") or url.netloc.decode("ascii")
    headers["host"] = host.removesuffix(":80").removesuffix(":443")
    signed = sorted(
        name for name in headers if name in ("content-type", "content-md5", "host") or name.startswith("x-")
    )
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    return ";".join(signed), lines


def _path(raw: bytes) -> str:
    """Percent-encode a path: everything except RFC 3986's unreserved characters."""
    return "/".join(_escape(segment) for segment in raw.split(b"/")) or "/"


def _query(raw: bytes) -> str:
    """Percent-encode a query like a path, and sort it by name; equal names keep their order."""
    pairs = []
    for item in raw.split(b"&"):
        if item:
            name, _, value = item.replace(b"+", b" ").partition(b"=")
            pairs.append((_escape(name), _escape(value)))
    pairs.sort(key=lambda pair: pair[0])
    return "&".join(f"{name}={value}" for name, value in pairs)


def _escape(raw: bytes) -> str:
    return quote(unquote_to_bytes(raw), safe="")


def _signing_key(secret_key: str, scope: str) -> bytes:
    """Derive the signing key for a date, region and service."""
    key = secret_key.encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
