"""Settings shared by all classes of the knowledge base: base URL, credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from langchain_volcark.base.service import HTTPService
from langchain_volcark.base.values import secret_from_variables
from langchain_volcark.http.arguments import check_region
from langchain_volcark.http.auth import BearerAuth, given
from langchain_volcark.knowledge.auth import MISSING, NoCredentials
from langchain_volcark.knowledge.errors import ERRORS
from langchain_volcark.volcengine_signing import VolcSignatureAuth

if TYPE_CHECKING:
    import httpx

    from langchain_volcark.http.errors import ErrorReader

KNOWLEDGE_BASE_URL = "https://api-knowledgebase.mlp.cn-beijing.volces.com"

CHAT_PATH = "/api/knowledge/chat/completions"
SEARCH_PATH = "/api/knowledge/collection/search_knowledge"
SERVICE_CHAT_PATH = "/api/knowledge/service/chat"
RERANK_PATH = "/api/knowledge/service/rerank"


class KnowledgeService(HTTPService):
    """Base class of the knowledge base classes: base URL, credentials, errors."""

    base_url: str = KNOWLEDGE_BASE_URL
    """Base URL of the service, without a path."""
    access_key: SecretStr | None = Field(default_factory=secret_from_variables("VOLC_ACCESSKEY"))
    """Access key id of the account; requests are signed with its secret."""
    secret_key: SecretStr | None = Field(default_factory=secret_from_variables("VOLC_SECRETKEY"))
    """Secret access key, as the console shows it."""
    session_token: SecretStr | None = None
    """Session token of temporary credentials (STS)."""
    region: Annotated[str, AfterValidator(check_region)] = "cn-north-1"
    """Region of the signature; the vendor's samples use `cn-north-1`, its SDKs `cn-beijing`."""
    api_key: SecretStr | None = Field(default_factory=secret_from_variables("VOLC_KNOWLEDGE_API_KEY"), repr=False)
    """API key of a packaged service. An argument wins over signing; the variable only for packaged services."""

    endpoint_paths: ClassVar[tuple[str, ...]] = (
        CHAT_PATH,
        SEARCH_PATH,
        SERVICE_CHAT_PATH,
        RERANK_PATH,
        "/api/knowledge",
    )

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The environment variable of each credential."""
        return {
            "access_key": "VOLC_ACCESSKEY",
            "secret_key": "VOLC_SECRETKEY",
            "api_key": "VOLC_KNOWLEDGE_API_KEY",
        }

    @property
    def _errors(self) -> ErrorReader:
        return ERRORS

    def _prefers_key(self) -> bool:
        return "api_key" in self.model_fields_set

    def _auth(self) -> httpx.Auth:
        access_key, secret_key = given(self.access_key), given(self.secret_key)
        signs = access_key is not None and secret_key is not None
        if self.api_key is not None and (self._prefers_key() or not signs):
            return BearerAuth(self.api_key, missing=MISSING)
        if access_key is None or secret_key is None:
            return NoCredentials()
        return VolcSignatureAuth(
            access_key,
            secret_key,
            region=self.region,
            service="air",
            session_token=self.session_token,
        )
