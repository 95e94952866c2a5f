"""Settings shared by all Qianfan classes: API version, base URL, credentials."""

from __future__ import annotations

import re
import warnings
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import httpx
from langchain_core.load.serializable import Serializable
from pydantic import AfterValidator, Field, SecretStr, model_validator
from typing_extensions import Self  # noqa: TC002 - pydantic reads it

from langchain_volcark.base.service import HTTPService
from langchain_volcark.base.values import from_variables, secret_from_variables
from langchain_volcark.http.arguments import check_address, check_headers, check_segment
from langchain_volcark.http.auth import BearerAuth, given
from langchain_volcark.qianfan.auth import (
    IAM_BASE_URL,
    TOKEN_URL,
    AccessTokenAuth,
    NoAuth,
    OAuthAuth,
    ShortTermKeyAuth,
    SignatureAuth,
)
from langchain_volcark.qianfan.errors import ERRORS, RETIRED
from langchain_volcark.qianfan.profiles import find_v1_model
from langchain_volcark.qianfan.versions import VERSIONS, Version

if TYPE_CHECKING:
    from langchain_volcark.http.errors import ErrorReader

QIANFAN_BASE_URL = VERSIONS["v2"].base_url
QIANFAN_V1_BASE_URL = VERSIONS["v1"].base_url

_MISSING_V2 = (
    "Set QIANFAN_BEARER_TOKEN (or QIANFAN_API_KEY), or pass api_key=…; or the pair QIANFAN_ACCESS_KEY and "
    "QIANFAN_SECRET_KEY."
)
_MISSING_V1 = (
    "No credentials for V1. Set QIANFAN_ACCESS_TOKEN, or QIANFAN_AK and QIANFAN_SK, or QIANFAN_ACCESS_KEY and "
    "QIANFAN_SECRET_KEY; or pass access_token=…, or client_id=… and client_secret=…, or access_key=… and "
    "secret_key=…"
)
_V1_NOTICE = (
    f'{RETIRED}. Use api_version="v2" with model=… and an API key (bce-v3/…): preset models keep their names in '
    "lower case, custom services must be deployed again for V2. A private deployment has its own base_url. "
    "https://cloud.baidu.com/doc/qianfan/s/rmse4vxp8"
)


_ENDPOINT = 'the last segment of the service\'s URL: the console shows it, with a prefix such as "ngxxxol8_".'
_ENDPOINT_IN_V2 = (
    'endpoint belongs to api_version="v1". Set api_version="v1" for a service that still offers it, or model=… '
    "for V2 (a custom service is deployed again there, and its page shows the model's id)."
)


class QianfanService(HTTPService):
    """Base class of the Qianfan classes: API version, base URL, credentials, errors."""

    api_version: Literal["v2", "v1"] = "v2"
    """`"v2"`, or `"v1"` for private deployments that still offer it; there is no automatic fallback."""
    base_url: str = ""
    """API base URL including the version path; default is Baidu's."""
    api_key: SecretStr | Callable[[], str] | Callable[[], Awaitable[str]] | None = Field(
        default_factory=secret_from_variables("QIANFAN_BEARER_TOKEN", "QIANFAN_API_KEY")
    )
    """V2: the API key (`bce-v3/…`, without `Bearer`), or a callable that returns one."""
    app_id: str | None = Field(default_factory=from_variables("QIANFAN_APP_ID"))
    """V2: application that calls are billed to (`app-…`); sent as the header `appid`."""
    access_key: SecretStr | None = Field(default_factory=secret_from_variables("QIANFAN_ACCESS_KEY"))
    """IAM access key: signs V1 requests; in V2 it is used to get a short-term API key."""
    secret_key: SecretStr | None = Field(default_factory=secret_from_variables("QIANFAN_SECRET_KEY"))
    """IAM secret key."""
    endpoint: str | None = None
    """V1: last segment of the service's URL, such as `ngxxxol8_test1`; preset models need none."""
    access_token: SecretStr | None = Field(default_factory=secret_from_variables("QIANFAN_ACCESS_TOKEN"))
    """V1: access token. It is refreshed only if `client_id` and `client_secret` are set too."""
    client_id: SecretStr | None = Field(default_factory=secret_from_variables("QIANFAN_AK"))
    """V1: the application's API Key."""
    client_secret: SecretStr | None = Field(default_factory=secret_from_variables("QIANFAN_SK"))
    """V1: the application's Secret Key."""
    token_url: Annotated[str, AfterValidator(lambda value: check_address(value, "token_url"))] = TOKEN_URL
    """V1: URL of the OAuth token endpoint."""
    iam_base_url: Annotated[str, AfterValidator(lambda value: check_address(value, "iam_base_url"))] = IAM_BASE_URL
    """V2: base URL of the IAM service that issues short-term API keys."""

    v1_kind: ClassVar[str] = "chat"
    """Path segment of a V1 URL before the endpoint."""
    v2_only: ClassVar[tuple[str, ...]] = ()
    """Fields that V1 does not support."""
    v1_only: ClassVar[tuple[str, ...]] = ("endpoint",)
    """Fields that V2 does not support."""

    # --- construction -------------------------------------------------------------------------------------

    @model_validator(mode="before")
    @classmethod
    def _choose_address(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = dict(values)
        version = VERSIONS.get(str(values.get("api_version", "v2")), VERSIONS["v2"])
        by_endpoint = version.has_endpoints
        url = values.get("base_url") or version.base_url
        if isinstance(url, str):
            if "?" in url:
                raise ValueError("base_url must not have a query; pass a V1 token as access_token=….")
            pasted = re.search(rf"/{cls.v1_kind}/([^/]+)/*$", url) if by_endpoint else None
            if pasted:
                url = url[: pasted.start()]
                if values.setdefault("endpoint", pasted[1]) != pasted[1]:
                    raise ValueError(
                        f"base_url names the endpoint {pasted[1]!r}, and endpoint={values['endpoint']!r}."
                    )
        values["base_url"] = url
        if not values.get("model") and not values.get("model_name") and cls.model_fields["model"].is_required():
            if not by_endpoint and values.get("endpoint"):
                raise ValueError(_ENDPOINT_IN_V2)
            if by_endpoint and not values.get("endpoint"):
                raise ValueError(f"V1 needs endpoint=…, {_ENDPOINT} Or the name of a preset model as model=….")
            if by_endpoint:
                values["model"] = values["endpoint"]
        return values

    @model_validator(mode="after")
    def _check_version(self) -> Self:
        self._refuse_other_version(name for name in type(self).model_fields if getattr(self, name) is not None)
        if self._version.has_endpoints:
            check_segment(self._endpoint_of(self._named_model()), "endpoint")
            if httpx.URL(self.base_url).host.endswith("baidubce.com"):
                # Points the warning at the caller, past pydantic's frames and those of core's constructor.
                warnings.warn(_V1_NOTICE, FutureWarning, stacklevel=4 if isinstance(self, Serializable) else 3)
        return self

    def _refuse_other_version(self, names: Iterable[str]) -> None:
        unsupported = self._version.unsupported(type(self))
        found = [name for name in names if name in unsupported]
        if found:
            (other,) = VERSIONS.keys() - {self.api_version}
            raise ValueError(f'{", ".join(found)} belong(s) to api_version="{other}", not "{self.api_version}".')

    # --- hooks of the base classes ------------------------------------------------------------------------

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The environment variable of each credential."""
        return {
            "api_key": "QIANFAN_BEARER_TOKEN",
            "access_key": "QIANFAN_ACCESS_KEY",
            "secret_key": "QIANFAN_SECRET_KEY",
            "access_token": "QIANFAN_ACCESS_TOKEN",
            "client_id": "QIANFAN_AK",
            "client_secret": "QIANFAN_SK",
        }

    @property
    def _errors(self) -> ErrorReader:
        return ERRORS

    @property
    def _version(self) -> Version:
        return VERSIONS[self.api_version]

    def _auth(self) -> httpx.Auth:
        return self._version.auth(self)

    def _service_headers(self) -> dict[str, str]:
        return {**check_headers(self._version.headers(self), "app_id"), **super()._service_headers()}

    def key_auth(self) -> httpx.Auth:
        """Choose V2 authentication: the API key, or a short-term key obtained with IAM keys."""
        passed = self.model_fields_set
        has_key = callable(self.api_key) or given(self.api_key) is not None
        passed_pair_only = bool({"access_key", "secret_key"} & passed) and "api_key" not in passed
        pair = self._pair("access_key", "secret_key")
        if pair is not None and (passed_pair_only or not has_key):
            return ShortTermKeyAuth(*pair, iam_base_url=self.iam_base_url)
        return BearerAuth(self.api_key, missing=_MISSING_V2)

    def token_auth(self) -> httpx.Auth:
        """Choose V1 authentication: OAuth, access token or IAM keys, in that order; arguments win."""
        for known in (self.model_fields_set, set(type(self).model_fields)):
            token = given(self.access_token) if "access_token" in known else None
            pair = self._pair("client_id", "client_secret") if {"client_id", "client_secret"} & known else None
            if pair is not None:
                return OAuthAuth(*pair, token_url=self.token_url, access_token=token)
            if token is not None:
                return AccessTokenAuth(token)
            pair = self._pair("access_key", "secret_key") if {"access_key", "secret_key"} & known else None
            if pair is not None:
                return SignatureAuth(*pair)
        return NoAuth(_MISSING_V1)

    def _pair(self, name: str, secret: str) -> tuple[SecretStr, SecretStr] | None:
        one, other = given(getattr(self, name)), given(getattr(self, secret))
        return None if one is None or other is None else (one, other)

    def _endpoint_of(self, model: str) -> str:
        """Return the V1 endpoint for a model name or endpoint.

        Raises:
            ValueError: The model is unknown.
        """
        if self.endpoint is not None and model in (self.endpoint, self._named_model()):
            return self.endpoint
        preset = self._preset_endpoint(model)
        if preset is None:
            raise ValueError(f"V1 has no preset model {model!r}: pass endpoint=…, {_ENDPOINT}")
        return preset

    def _preset_endpoint(self, model: str) -> str | None:
        """Return the V1 endpoint of a preset model, or None."""
        preset = find_v1_model(model)
        return preset.endpoint if preset else None

    def _named_model(self) -> str:
        """Return the `model` of the constructor; every Qianfan class has this field."""
        return str(getattr(self, "model", ""))

    def endpoint_path(self, model: str, endpoint: str | None = None) -> str:
        """Return the V1 path for a model, or for an endpoint given per call."""
        return f"/{self.v1_kind}/{check_segment(endpoint or self._endpoint_of(model), 'endpoint')}"
