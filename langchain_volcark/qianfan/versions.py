"""The differences between API versions V1 and V2 of Qianfan; all classes choose their version here.

V2: https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb. V1 (custom services, private deployments):
https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.qianfan.messages import QianfanMessageWriter
from langchain_volcark.qianfan.profiles import find_family, profile_of
from langchain_volcark.qianfan.v1.requests import TYPES as V1_TYPES
from langchain_volcark.qianfan.v1.requests import check_values as check_v1_values
from langchain_volcark.qianfan.v1.wire import V1Wire
from langchain_volcark.qianfan.wire import QianfanWire

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from langchain_volcark.qianfan.chat_models import ChatQianfan
    from langchain_volcark.qianfan.service import QianfanService
    from langchain_volcark.wires.structured_output import Method
    from langchain_volcark.wires.wire import ModelCall, Wire

_NOT_FORCED_THINKING = (
    'models refuse a forced call while they think. To force one, disable thinking (thinking="disabled" or '
    "enable_thinking=False, by the model's family)."
)


class Version(ABC):
    """One version of Qianfan's API."""

    name: ClassVar[str]
    """Value of `api_version`."""
    base_url: ClassVar[str]
    """Default base URL, Baidu's."""
    has_endpoints: ClassVar[bool]
    """Whether the URL path names the model."""
    methods: ClassVar[tuple[Method, ...]]
    """Methods of structured output, best first."""

    @abstractmethod
    def unsupported(self, cls: type[QianfanService]) -> tuple[str, ...]:
        """Return the fields of a class that this version does not support."""

    @abstractmethod
    def auth(self, service: QianfanService) -> httpx.Auth:
        """Return the authentication of requests."""

    def headers(self, service: QianfanService) -> dict[str, str]:  # noqa: ARG002
        """Return the headers of every request."""
        return {}

    @abstractmethod
    def post(self, service: QianfanService, model: str, path: str, body: Mapping[str, Any]) -> ServiceRequest:
        """Build a request for embeddings or reranking.

        Args:
            service: The embeddings or reranker object.
            model: The model to call.
            path: Path below the base URL in V2.
            body: Body in V2's format, without `model`.
        """

    @abstractmethod
    def wire(self, model: ChatQianfan, call: ModelCall) -> Wire:
        """Return the wire format of a chat call."""

    def check_call(
        self, values: Mapping[str, Any], check: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """Validate per-call values; `check` validates those that both versions have."""
        return check(values)

    def check_fields(self, values: dict[str, Any]) -> None:  # noqa: B027 - a version need not refuse any
        """Raise for constructor values that only this version refuses."""

    def refusal(self, body: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return why the model refuses a forced tool call; None where it accepts one."""
        return None


class V2(Version):
    """The current version: chat completions, API keys, the model in the request body."""

    name = "v2"
    base_url = "https://qianfan.baidubce.com/v2"
    has_endpoints = False
    # All models support tool calls; the list of those that support JSON schemas changes.
    methods = ("function_calling", "json_schema", "json_mode")

    def unsupported(self, cls: type[QianfanService]) -> tuple[str, ...]:
        """Return the fields that only V1 supports."""
        return cls.v1_only

    def auth(self, service: QianfanService) -> httpx.Auth:
        """Return API key authentication; the key may be a short-term one obtained with IAM keys."""
        return service.key_auth()

    def headers(self, service: QianfanService) -> dict[str, str]:
        """Return the header with the application that calls are billed to."""
        return {"appid": service.app_id} if service.app_id else {}

    def post(self, service: QianfanService, model: str, path: str, body: Mapping[str, Any]) -> ServiceRequest:  # noqa: ARG002
        """Build a request with the model in the body."""
        return ServiceRequest(path, {"model": model, **body})

    def wire(self, model: ChatQianfan, call: ModelCall) -> Wire:
        """Return the chat completions format."""
        profile = model.profile if call.model == model.model else profile_of(call.model)
        writer = QianfanMessageWriter(
            model.provider, "Qianfan's chat API", reasoning=model.reasoning_passback, profile=profile
        )
        return QianfanWire(model.provider, model.endpoint_paths[0], writer)

    def refusal(self, body: Mapping[str, Any]) -> str | None:
        """Return the reason if the model will think: a thinking model refuses forced tool calls."""
        return _NOT_FORCED_THINKING if _thinks(body) else None


class V1(Version):
    """The legacy version: text in `result`, functions instead of tools, the model in the URL path."""

    name = "v1"
    base_url = "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop"
    has_endpoints = True
    methods = ("function_calling", "json_mode")

    def unsupported(self, cls: type[QianfanService]) -> tuple[str, ...]:
        """Return the fields that only V2 supports."""
        return cls.v2_only

    def auth(self, service: QianfanService) -> httpx.Auth:
        """Return access token, OAuth or signature authentication."""
        return service.token_auth()

    def post(self, service: QianfanService, model: str, path: str, body: Mapping[str, Any]) -> ServiceRequest:  # noqa: ARG002
        """Build a request with the model in the path; `user` is renamed to `user_id`."""
        renamed = {"user_id" if name == "user" else name: value for name, value in body.items()}
        return ServiceRequest(service.endpoint_path(model), renamed)

    def wire(self, model: ChatQianfan, call: ModelCall) -> Wire:
        """Return the V1 format."""
        return V1Wire(model.provider, model.endpoint_path, model.preset_of(call.model), model.max_characters)

    def check_call(
        self, values: Mapping[str, Any], check: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """Validate per-call values; V1 has other names, and strings where V2 has objects."""
        own = {name: values[name] for name in V1_TYPES.keys() & values.keys()}
        return {**check({**values, **dict.fromkeys(own)}), **check_v1_values(own)}

    def check_fields(self, values: dict[str, Any]) -> None:
        """Check V1's narrower ranges; temperature 0 is refused only when called, as generic code sets it."""
        check_v1_values({name: value for name, value in values.items() if (name, value) != ("temperature", 0)})


def _thinks(body: Mapping[str, Any]) -> bool:
    """Whether the model will think, judging by the request and the model family."""
    thinking = body.get("thinking")
    if thinking is not None:
        return (thinking.get("type") if isinstance(thinking, Mapping) else thinking) != "disabled"
    if body.get("enable_thinking") is not None:
        return bool(body["enable_thinking"])
    family = find_family(str(body.get("model")))
    return family is not None and family.thinks


VERSIONS: dict[str, Version] = {version.name: version for version in (V2(), V1())}
"""The versions by `api_version`."""
