"""The services for the command line: names, environment variables, URLs, and chat classes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from langchain_volcark.ark.auth import CONTROL_BASE_URL
from langchain_volcark.ark.service import ARK_BASE_URL
from langchain_volcark.knowledge.service import KNOWLEDGE_BASE_URL
from langchain_volcark.qianfan.auth import IAM_BASE_URL
from langchain_volcark.qianfan.service import QIANFAN_BASE_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.base.chat_model import HTTPChatModel

ServiceName = Literal["ark", "qianfan", "knowledge"]
Mode = Literal["key", "pair", "none"]


@dataclass(frozen=True)
class Service:
    """Description of a service.

    Attributes:
        name: Name on the command line.
        title: Display name.
        base_url: Default base URL.
        exchange_url: URL that issues temporary keys for access keys; None if requests are signed instead.
        base_variable: Environment variable of the base URL, or None.
        model_variable: Environment variable of the model.
        default_model: Model to use if none is set and the service does not list models.
        keys: Environment variables of the API key; the first that is set wins.
        pair: Environment variables of access key and secret key.
        console: URL of the console, for keys and model activation.
        ping: Path below the base URL that works without a key; empty for the base URL.
    """

    name: ServiceName
    title: str
    base_url: str
    exchange_url: str | None
    base_variable: str | None
    model_variable: str
    default_model: str | None
    keys: tuple[str, ...]
    pair: tuple[str, str]
    console: str
    ping: str = ""


SERVICES: dict[ServiceName, Service] = {
    "ark": Service(
        name="ark",
        title="Volcengine Ark",
        base_url=ARK_BASE_URL,
        exchange_url=CONTROL_BASE_URL,
        base_variable="ARK_BASE_URL",
        model_variable="ARK_MODEL",
        default_model=None,
        keys=("ARK_API_KEY",),
        pair=("VOLC_ACCESSKEY", "VOLC_SECRETKEY"),
        console="https://console.volcengine.com/ark",
    ),
    "qianfan": Service(
        name="qianfan",
        title="Baidu Qianfan",
        base_url=QIANFAN_BASE_URL,
        exchange_url=IAM_BASE_URL,
        base_variable=None,
        model_variable="QIANFAN_MODEL",
        default_model="ernie-5.1",
        keys=("QIANFAN_BEARER_TOKEN", "QIANFAN_API_KEY"),
        pair=("QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY"),
        console="https://console.bce.baidu.com/qianfan",
    ),
    "knowledge": Service(
        name="knowledge",
        title="VikingDB knowledge base",
        base_url=KNOWLEDGE_BASE_URL,
        exchange_url=None,
        base_variable=None,
        model_variable="VOLC_KNOWLEDGE_MODEL",
        default_model="Doubao-1-5-pro-32k",
        keys=("VOLC_KNOWLEDGE_API_KEY",),
        pair=("VOLC_ACCESSKEY", "VOLC_SECRETKEY"),
        console="https://console.volcengine.com/vikingdb",
        ping="/ping",
    ),
}

EMULATED_MODELS: dict[ServiceName, str] = {
    "ark": "doubao-seed-2-1-pro-260915",
    "qianfan": "ernie-5.1",
    "knowledge": "Doubao-1-5-pro-32k",
}


@dataclass(frozen=True)
class Setup:
    """A service with the settings of a command.

    Attributes:
        service: The service.
        environment: Environment variables; default is those of the process.
        base: `--base-url`, or None.
        exchange: `--exchange-url`, or None.
        chosen_model: `--model`, or None.
        region: `--region`, or None.
        project: `--project`, or None.
        timeout: Time limit of an answer in seconds.
        arguments: Additional arguments of the class, such as credentials of an emulator.
    """

    service: Service
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    base: str | None = None
    exchange: str | None = None
    chosen_model: str | None = None
    region: str | None = None
    project: str | None = None
    timeout: float | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def value(self, variable: str) -> str | None:
        """Return a variable unchanged; None if it is unset or blank."""
        text = self.environment.get(variable)
        return text if text is not None and text.strip() else None

    @property
    def key_variable(self) -> str | None:
        """The variable whose API key is used."""
        return next((name for name in self.service.keys if self.value(name)), None)

    @property
    def mode(self) -> Mode:
        """The credentials that requests use."""
        has_pair = all(self.value(name) for name in self.service.pair)
        if self.service.name == "knowledge" and has_pair and not is_packaged(self.model):
            return "pair"
        if self.key_variable:
            return "key"
        return "pair" if has_pair else "none"

    @property
    def model(self) -> str | None:
        """The model that is set; None to choose from the service's list."""
        return self.chosen_model or self.value(self.service.model_variable)

    @property
    def base_source(self) -> str:
        """The source of the base URL, for messages."""
        if self.base is not None:
            return "--base-url"
        variable = self.service.base_variable
        return variable if variable and self.value(variable) else "the default"

    @property
    def base_url(self) -> str:
        """The base URL as set, not validated."""
        variable = self.service.base_variable
        if self.base is not None:
            return self.base
        return (self.value(variable) if variable else None) or self.service.base_url

    @property
    def exchange_url(self) -> str | None:
        """The URL that issues temporary keys; None if there is none."""
        return self.exchange or self.service.exchange_url


def is_packaged(model: str | None) -> bool:
    """Whether a model id is that of a packaged service of the knowledge base."""
    return model is not None and model.startswith("kb-service-")


def build(setup: Setup, model: str, **settings: Any) -> HTTPChatModel:
    """Construct the chat model as user code would.

    Args:
        setup: The service and its settings.
        model: Model, endpoint, bot or packaged service.
        **settings: Additional arguments of the class.

    Raises:
        ValueError: An argument is invalid, or arguments contradict each other.
    """
    common = {
        "base_url": setup.base,
        "region": None if setup.service.name == "qianfan" else setup.region,
        "timeout": setup.timeout,
        **setup.arguments,
        **settings,
    }
    arguments = {name: value for name, value in common.items() if value is not None}
    if setup.service.name == "ark":
        return _ark(setup, model, arguments)
    if setup.service.name == "qianfan":
        from langchain_volcark.qianfan.chat_models import ChatQianfan

        if setup.exchange:
            arguments["iam_base_url"] = setup.exchange
        return ChatQianfan(model=model, **arguments)
    from langchain_volcark.knowledge.chat_models import ChatVikingKnowledge

    return ChatVikingKnowledge(**{"service_resource_id" if is_packaged(model) else "model": model}, **arguments)


def _ark(setup: Setup, model: str, arguments: dict[str, Any]) -> HTTPChatModel:
    from langchain_volcark.ark.bots.chat_models import ChatArkBot
    from langchain_volcark.ark.chat_models import ChatArk

    if setup.exchange:
        arguments["control_base_url"] = setup.exchange
    if setup.project:
        arguments["project_name"] = setup.project
    return (ChatArkBot if model.startswith("bot-") else ChatArk)(model=model, **arguments)
