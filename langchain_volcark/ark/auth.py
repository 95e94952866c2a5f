"""An access key pair, exchanged for the temporary keys that Ark's data plane takes.

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
from langchain_volcark.http.client import read_json_reply
from langchain_volcark.http.json import dump_json
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
_EARLY = 30 * 60.0  # a new key is asked for, the old one serves if that fails
_LATE = 10 * 60.0  # the old key is not used any more

_CONTROL_ERRORS = ControlPlaneErrors()


def resource_type(model: str) -> ResourceType:
    """What kind of resource a temporary key for this model is for, judged by the id's beginning.

    Args:
        model: Endpoint id, bot id or model id.
    """
    if model.startswith("ep-m-"):
        return "presetendpoint"
    if model.startswith("ep-"):
        return "endpoint"
    return "bot" if model.startswith("bot-") else "presetendpoint"


class TemporaryKeyAuth(TokenRefreshAuth):
    """Signs a request for a temporary key, and authorises with that.

    A key is for one endpoint, bot, or model of a project, and lives seven days. It is shared by all models of the
    process that have the same credentials; any number of callers cause one exchange. In its last 30 minutes a new
    one is asked for, and the old one serves if that fails; in its last 10 minutes a call fails without a new one.

    Args:
        access_key: Access key id.
        secret_key: Secret access key.
        model: Whom a request is for that names no model.
        region: Region of the signature.
        project_name: Project that a model id is called in; a request's own `X-Project-Name` goes before it.
        control_base_url: Where keys are asked for.
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
        """Kind, id and project of what a request is for.

        Raises:
            ValueError: A model id needs a project.
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
        asking = second_request(request, "POST", self._url, headers, dump_json(body))
        added = sign(
            asking.method,
            asking.url,
            asking.headers,
            asking.content,
            access_key=secret_text(self._access_key, "access_key"),
            secret_key=secret_text(self._secret_key, "secret_key"),
            region=self._region,
            service="ark",
            now=self._clock(),
        )
        asking.headers.update(added)
        return asking

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
        # The reply is not shown: whatever it is, it may hold a secret.
        raise ResponseFormatError(
            "The reply of GetApiKey holds no key with a time in the future as its end. Is control_base_url right?"
        )
    # A shorter life than was asked for must not mean a renewal with every call.
    renew_at = now + lifetime - min(_EARLY, lifetime / 2)
    return Token(value, renew_at, now + lifetime - min(_LATE, lifetime / 6))


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
