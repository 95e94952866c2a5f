"""Base class of Ark's classes: base URL, credentials, errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, SecretStr

from langchain_volcark.ark.auth import CONTROL_BASE_URL, TemporaryKeyAuth
from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.base.service import HTTPService
from langchain_volcark.base.values import from_variables, secret_from_variables
from langchain_volcark.http.arguments import check_address, check_headers, check_region
from langchain_volcark.http.auth import BearerAuth, given

if TYPE_CHECKING:
    import httpx

    from langchain_volcark.http.errors import ErrorReader

ARK_BASE_URL = "https://ark.cn-beijing.volces.com/api/v3"

_ERRORS = ArkErrors()
_MISSING = "Set ARK_API_KEY, or pass api_key=…; or the pair VOLC_ACCESSKEY and VOLC_SECRETKEY."


def _check_project_name(value: str) -> str:
    check_headers({"X-Project-Name": value}, "project_name")
    return value


def _check_control_url(value: str) -> str:
    return check_address(value.partition("?")[0], "control_base_url")


class ArkService(HTTPService):
    """Base of Ark's classes: base URL, credentials, errors.

    The credentials are an API key, or an access key pair with which temporary keys are requested
    (https://www.volcengine.com/docs/82379/1262825). If both are set the API key is used, except that a pair given
    by the caller takes precedence over an API key from the environment.
    """

    base_url: str = Field(
        default_factory=lambda: from_variables("ARK_BASE_URL")() or ARK_BASE_URL, validate_default=True
    )
    """URL of the API with its version path; default Beijing's. BytePlus and plans have other URLs and keys."""
    api_key: SecretStr | Callable[[], str] | Callable[[], Awaitable[str]] | None = Field(
        default_factory=secret_from_variables("ARK_API_KEY")
    )
    """The API key, or a callable that returns one. Without one the first request fails."""
    access_key: SecretStr | None = Field(default_factory=secret_from_variables("VOLC_ACCESSKEY"))
    """Access key id of an account or IAM user; with `secret_key`, instead of `api_key`."""
    secret_key: SecretStr | None = Field(default_factory=secret_from_variables("VOLC_SECRETKEY"))
    """Its secret access key."""
    region: Annotated[str, AfterValidator(check_region)] = "cn-beijing"
    """Region in the signature of requests for temporary keys."""
    project_name: Annotated[str, AfterValidator(_check_project_name)] | None = None
    """Project for calling a model id with an access key pair; endpoint and bot ids need none."""
    control_base_url: Annotated[str, AfterValidator(_check_control_url)] = CONTROL_BASE_URL
    """URL of the API that issues temporary keys."""

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Each credential's environment variable."""
        return {"api_key": "ARK_API_KEY", "access_key": "VOLC_ACCESSKEY", "secret_key": "VOLC_SECRETKEY"}

    @property
    def _errors(self) -> ErrorReader:
        return _ERRORS

    def _require_api_key(self, what: str) -> None:
        """Refuse an access key pair for what the service does with an API key alone.

        Args:
            what: What that is, such as `stored responses`.

        Raises:
            ValueError: The credentials are an access key pair.
        """
        if isinstance(self._auth(), TemporaryKeyAuth):
            raise ValueError(f"api_key: {what} need an API key, not an access key pair.")  # noqa: TRY004

    def _auth(self) -> httpx.Auth:
        access_key, secret_key = given(self.access_key), given(self.secret_key)
        passed = self.model_fields_set
        passed_pair_only = bool({"access_key", "secret_key"} & passed) and "api_key" not in passed
        has_key = callable(self.api_key) or given(self.api_key) is not None
        if access_key is not None and secret_key is not None and (passed_pair_only or not has_key):
            return TemporaryKeyAuth(
                access_key,
                secret_key,
                model=str(getattr(self, "model", "")),
                region=self.region,
                project_name=self.project_name,
                control_base_url=self.control_base_url,
            )
        missing = _MISSING
        if (access_key is None) is not (secret_key is None):
            absent, variable = (
                ("access_key", "VOLC_ACCESSKEY") if access_key is None else ("secret_key", "VOLC_SECRETKEY")
            )
            missing = f"Of the pair of keys {absent} ({variable}) is missing. {_MISSING}"
        return BearerAuth(self.api_key, missing=missing)
