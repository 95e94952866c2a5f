"""Authentication of requests to Qianfan: API keys, access tokens, OAuth and IAM signatures.

V2: https://cloud.baidu.com/doc/qianfan-api/s/wmwbl48n4 (API key, short-term key from IAM keys).
V1: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 (access token) and
https://cloud.baidu.com/doc/Reference/s/njwvz1yfu (signature).
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx

from langchain_volcark.exceptions import AuthenticationError, ResponseFormatError
from langchain_volcark.http import token_refresh
from langchain_volcark.http.auth import secret_text
from langchain_volcark.http.redaction import add_secret_query
from langchain_volcark.http.replies import read_json_reply
from langchain_volcark.http.token_refresh import Token, TokenRefreshAuth, fingerprint, second_request
from langchain_volcark.qianfan.errors import ERRORS
from langchain_volcark.qianfan.signing import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from pydantic import SecretStr

    from langchain_volcark.exceptions import VolcArkError

TOKEN_URL = "https://aip.baidubce.com/oauth/2.0/token"  # noqa: S105 - an address
IAM_BASE_URL = "https://iam.bj.baidubce.com"

_LONGEST_MARGIN = 86_400.0
_BEARER_SECONDS = 43_200
_USELESS = ("110", "111")


class AccessTokenAuth(httpx.Auth):
    """V1 access token passed by the caller and sent unchanged; an `Authorization` header of the caller wins."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token to the query, unless the request already has an `Authorization` header."""
        if "authorization" not in request.headers:
            add_secret_query(request, {"access_token": secret_text(self._token, "access_token")})
        yield request


class OAuthAuth(TokenRefreshAuth):
    """V1 OAuth: gets an access token, valid for 30 days, with the application's API Key and Secret Key.

    The token is cached and shared by all callers of the process. It is refreshed a day before it expires, and once
    more if the service answers that it is invalid (110) or expired (111).

    Args:
        client_id: The application's API Key.
        client_secret: The application's Secret Key.
        token_url: URL of the token endpoint.
        access_token: Initial token, used until the service refuses it.
    """

    def __init__(
        self,
        client_id: SecretStr,
        client_secret: SecretStr,
        *,
        token_url: str = TOKEN_URL,
        access_token: SecretStr | None = None,
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._token_url = token_url
        self._store_key = ("qianfan-oauth", token_url, fingerprint(client_id), fingerprint(client_secret))
        if access_token is not None:
            text = secret_text(access_token, "access_token")
            token_refresh.tokens.put_if_absent(self._store_key, Token(text, math.inf, math.inf))

    def _key(self, request: httpx.Request) -> Hashable:  # noqa: ARG002
        return self._store_key

    def _refresh_request(self, request: httpx.Request) -> httpx.Request:
        asking = second_request(request, "POST", self._token_url, {"content-type": "application/json"})
        add_secret_query(
            asking,
            {
                "grant_type": "client_credentials",
                "client_id": secret_text(self._client_id, "client_id"),
                "client_secret": secret_text(self._client_secret, "client_secret"),
            },
        )
        return asking

    def _read(self, response: httpx.Response) -> Token:
        reply = read_json_reply(response, ERRORS, secret=True)
        return _token(reply.get("access_token"), reply.get("expires_in"))

    def _apply(self, request: httpx.Request, token: str) -> None:
        add_secret_query(request, {"access_token": token})

    def _is_refusal(self, error: VolcArkError) -> bool:
        return error.code in _USELESS


class SignatureAuth(httpx.Auth):
    """Signs each request of V1 with an IAM pair.

    Args:
        access_key: IAM access key.
        secret_key: IAM secret key.
        clock: Returns the time, with a time zone.
    """

    def __init__(
        self, access_key: SecretStr, secret_key: SecretStr, *, clock: Callable[[], dt.datetime] | None = None
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = clock or _utc_now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the signature headers, unless the request already has an `Authorization` header."""
        if "authorization" not in request.headers:
            request.headers.update(self.sign(request))
        yield request

    def sign(self, request: httpx.Request) -> dict[str, str]:
        """Return the signature headers for a request."""
        return sign(
            request.method,
            request.url,
            request.headers,
            access_key=secret_text(self._access_key, "access_key"),
            secret_key=secret_text(self._secret_key, "secret_key"),
            now=self._clock(),
        )


class ShortTermKeyAuth(TokenRefreshAuth):
    """V2 with IAM keys: gets a short-term API key, valid for 12 hours.

    The key is cached and shared by all callers of the process. It is refreshed before it expires, and once more if
    the service answers that it is invalid.

    Args:
        access_key: IAM access key.
        secret_key: IAM secret key.
        iam_base_url: Base URL of the IAM service that issues the key.
    """

    def __init__(self, access_key: SecretStr, secret_key: SecretStr, *, iam_base_url: str = IAM_BASE_URL) -> None:
        self._signature = SignatureAuth(access_key, secret_key)
        query = urlencode({"expireInSeconds": _BEARER_SECONDS})
        self._url = f"{iam_base_url.rstrip('/')}/v1/BCE-BEARER/token?{query}"
        self._store_key = ("qianfan-bearer", self._url, fingerprint(access_key), fingerprint(secret_key))

    def _key(self, request: httpx.Request) -> Hashable:  # noqa: ARG002
        return self._store_key

    def _refresh_request(self, request: httpx.Request) -> httpx.Request:
        asking = second_request(request, "GET", self._url)
        asking.headers.update(self._signature.sign(asking))
        return asking

    def _read(self, response: httpx.Response) -> Token:
        return _token(read_json_reply(response, ERRORS, secret=True).get("token"), _BEARER_SECONDS)

    def _apply(self, request: httpx.Request, token: str) -> None:
        request.headers["Authorization"] = f"Bearer {token}"

    def _is_refusal(self, error: VolcArkError) -> bool:
        return error.code == "invalid_iam_token"


class NoAuth(httpx.Auth):
    """No credentials: raises at the first request, unless it already has an `Authorization` header."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request that already has an `Authorization` header; refuse any other."""
        if "authorization" not in request.headers:
            raise AuthenticationError(self._missing)
        yield request


def _token(value: object, lifetime: object) -> Token:
    if not isinstance(value, str) or not value:
        # The reply may contain a secret, so the error does not quote it.
        raise ResponseFormatError("The reply to the token request holds no token. Is its address right?")
    now = token_refresh.clock()
    if (
        isinstance(lifetime, bool)
        or not isinstance(lifetime, (int, float))
        or not 0 < lifetime < token_refresh.FOREVER
    ):
        return Token(value, math.inf, math.inf)
    return Token(value, now + lifetime - min(_LONGEST_MARGIN, lifetime * 0.1), now + lifetime)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
