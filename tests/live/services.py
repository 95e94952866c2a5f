"""The services for live tests: the real ones, set by the environment, or an emulator instead."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import pytest

from langchain_volcark.emulator import Emulator

# One for all clients: to load the certificates takes longer than most tests.
TRUSTED = ssl.create_default_context()

# Attributes by the names that `Emulator` gives them: the environment variables, and what stands where none is set.
VARIABLES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "api_key": (("ARK_API_KEY",), None),
    "ark_base_url": (("ARK_BASE_URL",), "https://ark.cn-beijing.volces.com/api/v3"),
    "access_key": (("VOLC_ACCESSKEY",), None),
    "secret_key": (("VOLC_SECRETKEY",), None),
    "control_base_url": (("ARK_CONTROL_BASE_URL",), "https://open.volcengineapi.com"),
    "knowledge_base_url": (("VIKING_BASE_URL",), "https://api-knowledgebase.mlp.cn-beijing.volces.com"),
    "service_api_key": (("VOLC_KNOWLEDGE_API_KEY",), None),
    "qianfan_base_url": (("QIANFAN_V2_BASE_URL",), "https://qianfan.baidubce.com/v2"),
    "qianfan_v1_base_url": (
        ("QIANFAN_V1_BASE_URL",),
        "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop",
    ),
    "qianfan_api_key": (("QIANFAN_BEARER_TOKEN", "QIANFAN_API_KEY"), None),
    "qianfan_access_key": (("QIANFAN_ACCESS_KEY",), None),
    "qianfan_secret_key": (("QIANFAN_SECRET_KEY",), None),
    "token_url": (("QIANFAN_TOKEN_URL",), "https://aip.baidubce.com/oauth/2.0/token"),
    "client_id": (("QIANFAN_AK",), None),
    "client_secret": (("QIANFAN_SK",), None),
    "iam_base_url": (("QIANFAN_IAM_BASE_URL",), "https://iam.bj.baidubce.com"),
}

# Ids of models and the like: what stands where the variable is not set, for the real service and for the emulator.
NAMES: dict[str, tuple[str | None, str | None]] = {
    "ARK_MODEL": ("doubao-seed-2-1-pro-260915",) * 2,
    "ARK_PLAIN_MODEL": (None, "doubao-1-5-pro-32k-250115"),
    "ARK_HEARING_MODEL": ("doubao-seed-2-0-lite-260428",) * 2,
    "ARK_VIDEO_MODEL": (None, "doubao-seedance-2-0-260128"),
    "ARK_BATCH_MODEL": (None, "ep-bi-20260101000000-abcde"),
    "ARK_BOT_ID": (None, "bot-20250407225237-6xv7r"),
    "ARK_ENDPOINT_ID": (None, "ep-20250101000000-abcde"),
    "ARK_TEXT_EMBEDDING_MODEL": (None, "doubao-embedding-large-text-250515"),
    "ARK_EMBEDDING_MODEL": ("doubao-embedding-vision-251215",) * 2,
    "ARK_IMAGE_MODEL": ("doubao-seedream-5-0-260128",) * 2,
    "ARK_VIDEO_FILE_ID": (None, None),
    "ARK_PLAN_API_KEY": (None, None),
    "ARK_LIVE_BURST": (None, None),
    "QIANFAN_MODEL": ("ernie-5.1",) * 2,
    "QIANFAN_THINKING_MODEL": ("deepseek-v4-pro",) * 2,
    "QIANFAN_EMBEDDING_MODEL": ("bge-large-zh",) * 2,
    "QIANFAN_V1_MODEL": ("ERNIE-3.5-8K",) * 2,
    "QIANFAN_SERVICE_MODEL": (None, None),
    "VIKING_MODEL": ("Doubao-1-5-pro-32k",) * 2,
    "VIKING_COLLECTION": (None, "demo"),
    "VIKING_SERVICE_ID": (None, "kb-service-demo"),
    "VIKING_QUESTION": ("What is this about?", "When does the ferry leave?"),
}

_SHARED = {"qianfan_access_key": "access_key", "qianfan_secret_key": "secret_key"}

# What a recording must not hold, besides what looks like a secret.
SECRETS = (
    *(name for names, default in VARIABLES.values() if default is None for name in names),
    "ARK_PLAN_API_KEY",
)


_NOT_ACTIVATED = ("ModelNotOpen", "InvalidEndpointOrModel", "UnsupportedModel")


class Services:
    """Addresses and credentials by the names that `Emulator` gives them.

    Attributes:
        real: Whether they are the real services'.
        controls: The emulator, where it stands in for them.
    """

    def __init__(self, environment: Mapping[str, str], emulator: Emulator | None) -> None:
        self.real = emulator is None
        self.controls = emulator
        self._environment = environment

    def __getattr__(self, attribute: str) -> Any:
        if attribute not in VARIABLES:
            raise AttributeError(attribute)
        if self.controls is not None:
            # There one pair of keys serves both vendors.
            return getattr(self.controls, _SHARED.get(attribute, attribute))
        variables, default = VARIABLES[attribute]
        return self._look_up(variables, default)

    def name(self, variable: str) -> str:
        """The id of a model, a bot, a collection; the test is skipped where it must be given and is not."""
        real, emulated = NAMES[variable]
        if self.real:
            return self._look_up((variable,), real)
        if emulated is None:
            pytest.skip(f"{variable}: the emulator has none")
        return emulated

    def only_real(self, reason: str) -> None:
        """Skip where the emulator stands in: it cannot know, or would only repeat what it was made to say."""
        if not self.real:
            pytest.skip(f"the emulator cannot tell: {reason}")

    def secrets(self) -> list[str]:
        """The values that must never be written down."""
        if self.controls is not None:
            names = [name for name, (_, default) in VARIABLES.items() if default is None]
            return [str(getattr(self, name)) for name in names]
        return [self._environment[name] for name in SECRETS if self._environment.get(name)]

    def _look_up(self, variables: tuple[str, ...], default: str | None) -> str:
        for variable in variables:
            if self._environment.get(variable):
                return self._environment[variable]
        if default is None:
            pytest.skip(f"set {' or '.join(variables)} to run this against the real service")
        return default


def skip_if_not_activated(model: str, error: Mapping[str, Any]) -> None:
    """Skip the test where an error says that the account has not activated a model: the console alone does that."""
    code = str(error["code"])
    if code.startswith(_NOT_ACTIVATED):
        pytest.skip(f"this account has no {model}: {code}")
