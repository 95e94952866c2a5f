"""The form of a key: whose it is, as far as it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_volcark.cli.doctor.addresses import is_official
from langchain_volcark.cli.doctor.findings import Finding, fail, ok

if TYPE_CHECKING:
    from langchain_volcark.cli.services import ServiceName, Setup

_QIANFAN_KEY = re.compile(r"bce-v3/[^/\s]+/[^/\s]+")

# Beginning, what it is, and where it belongs.
_FORMS: tuple[tuple[str, str, str], ...] = (
    ("bce-v3/", "an API key of Baidu Qianfan", "QIANFAN_BEARER_TOKEN"),
    ("ALTAK", "an access key of Baidu Cloud", "QIANFAN_ACCESS_KEY, with QIANFAN_SECRET_KEY"),
    ("AKLT", "an access key id of Volcengine", "VOLC_ACCESSKEY, with VOLC_SECRETKEY"),
    ("AKTP", "a temporary access key id of Volcengine", "VOLC_ACCESSKEY, with VOLC_SECRETKEY"),
    ("24.", "an access token of Qianfan's V1", "QIANFAN_ACCESS_TOKEN"),
    ("ep-", "the id of an endpoint", "--model or model=…"),
    ("bot-", "the id of a bot", "--model or model=…"),
    ("kb-service-", "the id of a packaged service", "--model or service_resource_id=…"),
)
# Keys of other companies; a gateway of one's own may well take them.
_ELSEWHERE: tuple[tuple[str, str], ...] = (
    ("sk-ant-", "Anthropic's"),
    ("sk-", "OpenAI's or DeepSeek's"),
    ("AIza", "Google's"),
    ("hf_", "Hugging Face's"),
    ("lsv2_", "LangSmith's"),
    ("gsk_", "Groq's"),
)
_OWN_PAIR: dict[ServiceName, tuple[str, ...]] = {
    "ark": ("AKLT", "AKTP"),
    "knowledge": ("AKLT", "AKTP"),
    "qianfan": ("ALTAK",),
}


def check_form(setup: Setup) -> list[Finding]:
    """Whether the credentials have the form of this service's."""
    if setup.mode == "none":
        return []
    found = _pair(setup) if setup.mode == "pair" else _key(setup)
    return [found] if found else [ok("key", "nothing about the form of the credentials is wrong")]


def _key(setup: Setup) -> Finding | None:
    name = setup.key_variable or ""
    text = (setup.value(name) or "").strip()
    own = "bce-v3/" if setup.service.name == "qianfan" else None
    for beginning, what, belongs in _FORMS:
        if text.startswith(beginning) and beginning != own:
            fault = "id_as_key" if beginning.endswith("-") else "key_of_another_service"
            if beginning.startswith("AK") and setup.service.name != "qianfan":
                fault = "access_key_as_api_key"
            return fail("key", fault, f"{name} holds {what}", f"That belongs in {belongs}.")
    if setup.service.name == "qianfan" and not _QIANFAN_KEY.fullmatch(text) and is_official(setup):
        return fail(
            "key",
            "key_form",
            f"{name} does not look like an API key of Qianfan's V2 (bce-v3/ALTAK-…/…)",
            f"Copy it whole from {setup.service.console}; an application's key or a V1 token will not do.",
        )
    for beginning, whose in _ELSEWHERE:
        if text.startswith(beginning) and is_official(setup):
            return fail(
                "key",
                "key_of_another_service",
                f"{name} holds a key in the form of {whose}",
                f"Put the key of {setup.service.title} there ({setup.service.console}).",
            )
    return None


def _pair(setup: Setup) -> Finding | None:
    access, secret = setup.service.pair
    public, hidden = ((setup.value(name) or "").strip() for name in (access, secret))
    own = _OWN_PAIR[setup.service.name]
    if hidden.startswith(own) and not public.startswith(own):
        return fail("key", "pair_swapped", f"{access} and {secret} hold each other's values", "Swap them.")
    if public == hidden:
        return fail("key", "pair_swapped", f"{access} and {secret} hold the same value", "Set the secret key.")
    for other in ("qianfan", "ark"):
        if other != setup.service.name and public.startswith(_OWN_PAIR[other]) and own != _OWN_PAIR[other]:
            whose = "Baidu Cloud" if other == "qianfan" else "Volcengine"
            return fail(
                "key",
                "key_of_another_service",
                f"{access} holds an access key of {whose}",
                f"Put the pair of {setup.service.title} there.",
            )
    return None
