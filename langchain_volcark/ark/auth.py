"""Authorisation with an access key pair: requests temporary API keys and refreshes them.

Follows https://www.volcengine.com/docs/82379/1262825 (GetApiKey).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from langchain_volcark.ark.control_errors import ControlPlaneErrors
from langchain_volcark.exceptions import ResponseFormatError
from langchain_volcark.http import token_refresh
from langchain_volcark.http.arguments import check_headers
from langchain_volcark.http.auth import MODEL_EXTENSION, secret_text
from langchain_volcark.http.json import dump_json
from langchain_volcark.http.replies import read_json_reply
from langchain_volcark.http.token_refresh import Token, TokenRefreshAuth, fingerprint, second_request
from langchain_volcark.volcengine_signing import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Literal

    import httpx
    from pydantic import SecretStr

    from langchain_volcark.exceptions import VolcArkError

    ResourceType = Literal["endpoint", "bot", "presetendpoint"]

CONTROL_BASE_URL = "https://open.volcengineapi.com"

_QUERY = "Action=GetApiKey&Version=2024-01-01"
_PROJECT_HEADER = "X-Project-Name"
_LIFETIME = 7 * 24 * 3600
_REFRESH_BEFORE = 30 * 60.0  # seconds before its end from which a key is refreshed, but still used if that fails
_UNUSED_BEFORE = 10 * 60.0  # seconds before its end from which a key is not used

_CONTROL_ERRORS = ControlPlaneErrors()


def resource_type(model: str) -> ResourceType:
    """The `ResourceType` of a temporary key for a model, by the prefix of its id.

    Args:
        model: Endpoint id, bot id or model id.
    """
    if model.startswith("ep-m-"):
        return "presetendpoint"
    if model.startswith("ep-"):
        return "endpoint"
    return "bot" if model.startswith("bot-") else "presetendpoint"


class TemporaryKeyAuth(TokenRefreshAuth):
    """Authorises requests with a temporary key, which it requests with a signed call of GetApiKey.

    A key is valid for one endpoint, bot, or model of a project, and for seven days. All models of the process with
    the same credentials share it; concurrent callers cause one refresh. In its last 30 minutes a key is refreshed,
    and still used if the refresh fails; in its last 10 minutes a failed refresh fails the call.

    Args:
        access_key: Access key id.
        secret_key: Secret access key.
        model: The model of requests that name none.
        region: Region of the signature.
        project_name: Project for calling a model id; the header `X-Project-Name` of a request takes precedence.
        control_base_url: URL of the API that issues temporary keys.
        clock: Returns the time of signatures, with a time zone.
    """

    def __init__(
        self,
        access_key: SecretStr,
        secret_key: SecretStr,
        *,
        model: str,
        region: str = "cn-beijing",
        project_name: str | None = None,
        control_base_url: str = CONTROL_BASE_URL,
        clock: Callable[[], dt.datetime] | None = None,
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._model = model
        self._region = region
        self._project_name = project_name
        self._url = f"{control_base_url.rstrip('/')}/?{_QUERY}"
        self._clock = clock or _utc_now
        self._owner = ("ark", self._url, region, fingerprint(access_key), fingerprint(secret_key))

    def _key(self, request: httpx.Request) -> Hashable:
        return (*self._owner, *self._resource(request))

    def _resource(self, request: httpx.Request) -> tuple[ResourceType, str, str | None]:
        """Type, id and project of the resource that a request uses.

        Raises:
            ValueError: It is a model id, and there is no project.
        """
        model = str(request.extensions.get(MODEL_EXTENSION) or self._model)
        kind = resource_type(model)
        project = request.headers.get(_PROJECT_HEADER) or self._project_name
        if kind == "presetendpoint" and not project:
            raise ValueError(
                f"With access_key and secret_key the model id {model!r} needs project_name=… (the project it is "
                'called in, such as "default"); or pass an endpoint id (ep-…), or use an API key.'
            )
        return kind, model, None if kind == "bot" else project

    def _refresh_request(self, request: httpx.Request) -> httpx.Request:
        kind, resource, project = self._resource(request)
        body: dict[str, object] = {"DurationSeconds": _LIFETIME, "ResourceType": kind, "ResourceIds": [resource]}
        if project:
            body["ProjectName"] = project
        headers = {"content-type": "application/json"}
        refresh = second_request(request, "POST", self._url, headers, dump_json(body))
        signature = sign(
            refresh.method,
            refresh.url,
            refresh.headers,
            refresh.content,
            access_key=secret_text(self._access_key, "access_key"),
            secret_key=secret_text(self._secret_key, "secret_key"),
            region=self._region,
            service="ark",
            now=self._clock(),
        )
        refresh.headers.update(signature)
        return refresh

    def _read(self, response: httpx.Response) -> Token:
        result = read_json_reply(response, _CONTROL_ERRORS, secret=True).get("Result")
        return _token(result if isinstance(result, dict) else {})

    def _apply(self, request: httpx.Request, token: str) -> None:
        request.headers["Authorization"] = f"Bearer {token}"
        kind, _, project = self._resource(request)
        if kind == "presetendpoint" and project:
            request.headers.update(check_headers({_PROJECT_HEADER: project}, "project_name"))

    def _is_refusal(self, error: VolcArkError) -> bool:
        return error.code == "AuthenticationError" or (error.code is None and error.status_code == 401)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region={self._region!r})"


def _token(result: dict[str, object]) -> Token:
    value, end = result.get("ApiKey"), result.get("ExpiredTime")
    now = token_refresh.clock()
    lifetime = end - now if isinstance(end, (int, float)) and end < token_refresh.FOREVER else 0.0
    if not isinstance(value, str) or not value or lifetime <= 0:
        # The text does not show the reply, which may contain a secret.
        raise ResponseFormatError(
            "The reply of GetApiKey has no key that expires in the future. Is control_base_url right?"
        )
    # A key with a short lifetime must not be refreshed with every call.
    renew_at = now + lifetime - min(_REFRESH_BEFORE, lifetime / 2)
    return Token(value, renew_at, now + lifetime - min(_UNUSED_BEFORE, lifetime / 6))


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
