"""What Qianfan's two versions do differently, once for all classes; the version is chosen here and nowhere else.

V2: https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb. V1 (custom services, private deployments):
https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_volcark.http.client import ServiceRequest
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
    """As in `api_version`."""
    base_url: ClassVar[str]
    """Baidu's own address."""
    has_endpoints: ClassVar[bool]
    """Whether a model is called by an endpoint in the address."""
    methods: ClassVar[tuple[Method, ...]]
    """How a chat model is asked for data of a given shape, best first."""

    @abstractmethod
    def strangers(self, cls: type[QianfanService]) -> tuple[str, ...]:
        """The fields of a class that this version does not have."""

    @abstractmethod
    def auth(self, service: QianfanService) -> httpx.Auth:
        """How a request is authorised."""

    def headers(self, service: QianfanService) -> dict[str, str]:  # noqa: ARG002
        """Headers of every request."""
        return {}

    @abstractmethod
    def post(self, service: QianfanService, model: str, path: str, body: Mapping[str, Any]) -> ServiceRequest:
        """A request of embeddings or reranking.

        Args:
            service: The object whose request it is.
            model: The model to call.
            path: V2's path below the base URL.
            body: V2's body without `model`.
        """

    @abstractmethod
    def wire(self, model: ChatQianfan, call: ModelCall) -> Wire:
        """The wire format of a chat call."""

    def check_call(
        self, values: Mapping[str, Any], check: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """Read a call's values; `check` reads those that both versions have."""
        return check(values)

    def check_fields(self, values: dict[str, Any]) -> None:  # noqa: B027 - a version need not refuse any
        """Refuse values of the constructor that only this version refuses."""

    def refusal(self, body: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Why a model refuses a forced call; None where it takes one."""
        return None


class V2(Version):
    """The current version: chat completions, an API key, models by name."""

    name = "v2"
    base_url = "https://qianfan.baidubce.com/v2"
    has_endpoints = False
    # Which models take a JSON schema is a list that changes; a call of a tool, all do.
    methods = ("function_calling", "json_schema", "json_mode")

    def strangers(self, cls: type[QianfanService]) -> tuple[str, ...]:
        """V1's fields."""
        return cls.v1_only

    def auth(self, service: QianfanService) -> httpx.Auth:
        """An API key, given or exchanged for an IAM pair."""
        return service.key_auth()

    def headers(self, service: QianfanService) -> dict[str, str]:
        """The application that a call is booked to."""
        return {"appid": service.app_id} if service.app_id else {}

    def post(self, service: QianfanService, model: str, path: str, body: Mapping[str, Any]) -> ServiceRequest:  # noqa: ARG002
        """The model stands in the body."""
        return ServiceRequest(path, {"model": model, **body})

    def wire(self, model: ChatQianfan, call: ModelCall) -> Wire:
        """Chat completions."""
        profile = model.profile if call.model == model.model else profile_of(call.model)
        writer = QianfanMessageWriter(
            model.provider, "Qianfan's chat API", reasoning=model.reasoning_passback, profile=profile
        )
        return QianfanWire(model.provider, model.endpoint_paths[0], writer)

    def refusal(self, body: Mapping[str, Any]) -> str | None:
        """Models refuse a forced call while they think."""
        return _NOT_FORCED_THINKING if _thinks(body) else None


class V1(Version):
    """The old version: a text as `result`, functions, and the model as the last piece of the address."""

    name = "v1"
    base_url = "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop"
    has_endpoints = True
    methods = ("function_calling", "json_mode")

    def strangers(self, cls: type[QianfanService]) -> tuple[str, ...]:
        """V2's fields."""
        return cls.v2_only

    def auth(self, service: QianfanService) -> httpx.Auth:
        """An access token, given or exchanged, or a signature."""
        return service.token_auth()

    def post(self, service: QianfanService, model: str, path: str, body: Mapping[str, Any]) -> ServiceRequest:  # noqa: ARG002
        """The model stands in the path alone, and the end user has another name."""
        renamed = {"user_id" if name == "user" else name: value for name, value in body.items()}
        return ServiceRequest(service.endpoint_path(model), renamed)

    def wire(self, model: ChatQianfan, call: ModelCall) -> Wire:
        """V1's own."""
        return V1Wire(model.provider, model.endpoint_path, model.preset_of(call.model), model.max_characters)

    def check_call(
        self, values: Mapping[str, Any], check: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """V1 has names of its own, and words where V2 has objects."""
        own = {name: values[name] for name in V1_TYPES.keys() & values.keys()}
        return {**check({**values, **dict.fromkeys(own)}), **check_v1_values(own)}

    def check_fields(self, values: dict[str, Any]) -> None:
        """V1's ranges are narrower; a temperature of 0 is refused in a call alone, for generic code sets it."""
        check_v1_values({name: value for name, value in values.items() if (name, value) != ("temperature", 0)})


def _thinks(body: Mapping[str, Any]) -> bool:
    """Whether the model will think, as far as the request says."""
    thinking = body.get("thinking")
    if thinking is not None:
        return (thinking.get("type") if isinstance(thinking, Mapping) else thinking) != "disabled"
    if body.get("enable_thinking") is not None:
        return bool(body["enable_thinking"])
    family = find_family(str(body.get("model")))
    return family is not None and family.thinks


VERSIONS: dict[str, Version] = {version.name: version for version in (V2(), V1())}
"""By `api_version`."""
