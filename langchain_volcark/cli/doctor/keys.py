"""The form of a key: whose it is, as far as it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_volcark.cli.doctor.addresses import is_official
from langchain_volcark.cli.doctor.findings import Finding, fail, ok

if TYPE_CHECKING:
    from langchain_volcark.cli.services import Setup

_QIANFAN_KEY = re.compile(r"bce-v3/[^/\s]+/[^/\s]+")

# Beginning, fault, what it is, and where it belongs.
_FORMS = (
    ("bce-v3/", "key_of_another_service", "an API key of Baidu Qianfan", "QIANFAN_BEARER_TOKEN"),
    (
        "ALTAK",
        "access_key_as_api_key",
        "an access key of Baidu Cloud",
        "QIANFAN_ACCESS_KEY, with QIANFAN_SECRET_KEY",
    ),
    ("AKLT", "access_key_as_api_key", "an access key id of Volcengine", "VOLC_ACCESSKEY, with VOLC_SECRETKEY"),
    ("AKTP", "access_key_as_api_key", "a temporary key id of Volcengine", "VOLC_ACCESSKEY, with VOLC_SECRETKEY"),
    ("24.", "key_of_another_service", "an access token of Qianfan's V1", "QIANFAN_ACCESS_TOKEN"),
    ("ep-", "id_as_key", "the id of an endpoint", "--model or model=…"),
    ("bot-", "id_as_key", "the id of a bot", "--model or model=…"),
    ("kb-service-", "id_as_key", "the id of a packaged service", "--model or service_resource_id=…"),
)
# Keys of other companies; a gateway of one's own may well take them.
_ELSEWHERE = {
    "sk-ant-": "Anthropic's",
    "sk-": "OpenAI's or DeepSeek's",
    "AIza": "Google's",
    "hf_": "Hugging Face's",
    "lsv2_": "LangSmith's",
    "gsk_": "Groq's",
}
_PAIRS = {"Volcengine": ("AKLT", "AKTP"), "Baidu Cloud": ("ALTAK",)}


def check_form(setup: Setup) -> list[Finding]:
    """Whether the credentials have the form of this service's."""
    if setup.mode == "none":
        return []
    found = _pair(setup) if setup.mode == "pair" else _key(setup)
    return [found] if found else [ok("key", "nothing about the form of the credentials is wrong")]


def _key(setup: Setup) -> Finding | None:
    service, name = setup.service, setup.key_variable or ""
    text = (setup.value(name) or "").strip()
    is_qianfan = service.name == "qianfan"
    for beginning, fault, what, belongs in _FORMS:
        if text.startswith(beginning) and not (is_qianfan and beginning == "bce-v3/"):
            is_other = is_qianfan and fault == "access_key_as_api_key"
            fault = "key_of_another_service" if is_other else fault  # noqa: PLW2901
            return fail("key", fault, f"{name} holds {what}", f"That belongs in {belongs}.")
    if not is_official(setup):
        return None
    if is_qianfan and not _QIANFAN_KEY.fullmatch(text):
        said = f"{name} does not look like an API key of Qianfan's V2 (bce-v3/ALTAK-…/…)"
        advice = f"Copy it whole from {service.console}; an application's key or a V1 token will not do."
        return fail("key", "key_form", said, advice)
    whose = next((whose for beginning, whose in _ELSEWHERE.items() if text.startswith(beginning)), None)
    if whose is None:
        return None
    advice = f"Put the key of {service.title} there ({service.console})."
    return fail("key", "key_of_another_service", f"{name} holds a key in the form of {whose}", advice)


def _pair(setup: Setup) -> Finding | None:
    access, secret = setup.service.pair
    public, hidden = ((setup.value(name) or "").strip() for name in (access, secret))
    own = "Baidu Cloud" if setup.service.name == "qianfan" else "Volcengine"
    if hidden.startswith(_PAIRS[own]) and not public.startswith(_PAIRS[own]):
        return fail("key", "pair_swapped", f"{access} and {secret} hold each other's values", "Swap them.")
    if public == hidden:
        return fail("key", "pair_swapped", f"{access} and {secret} hold the same value", "Set the secret key.")
    whose = next((whose for whose, beginnings in _PAIRS.items() if public.startswith(beginnings)), own)
    if whose == own:
        return None
    advice = f"Put the pair of {setup.service.title} there."
    return fail("key", "key_of_another_service", f"{access} holds an access key of {whose}", advice)
