"""The credentials in the environment: which are set, what contradicts, what does not look like a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_volcark.cli.doctor.addresses import is_official
from langchain_volcark.cli.doctor.findings import Finding, fault, ok

if TYPE_CHECKING:
    from langchain_volcark.cli.services import Setup

# What this package reads, and the names that people and other programs use instead.
_MISSPELT = {
    "ARK_API_KEY": "ARK_APIKEY ARK_KEY ARK_TOKEN VOLC_API_KEY VOLC_ARK_API_KEY VOLCENGINE_API_KEY "
    "VOLCENGINE_ARK_API_KEY DOUBAO_API_KEY",
    "QIANFAN_BEARER_TOKEN": "QIANFAN_TOKEN QIANFAN_KEY QIANFAN_APIKEY BAIDU_QIANFAN_API_KEY BAIDU_API_KEY",
    "QIANFAN_ACCESS_KEY": "QIANFAN_ACCESSKEY",
    "QIANFAN_SECRET_KEY": "QIANFAN_SECRETKEY",
    "VOLC_ACCESSKEY": "VOLC_ACCESS_KEY VOLC_ACCESS_KEY_ID VOLC_AK VOLCENGINE_ACCESS_KEY",
    "VOLC_SECRETKEY": "VOLC_SECRET_KEY VOLC_SECRET_ACCESS_KEY VOLC_SK VOLCENGINE_SECRET_KEY",
}
_V1_ONLY = ("QIANFAN_AK", "QIANFAN_SK", "QIANFAN_ACCESS_TOKEN")

_QUOTES = "'\"`“”‘’「」"
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\{\{.*\}\}|[x*.…-]{3,}|…|(sk-|ak-)?x{3,}.*|(your|my)[-_ ].*|.*your[-_ ]?(api|access|secret).*|"
    r"changeme|change-me|placeholder|todo|none|null|undefined|api[-_]?key|secret|你的.*|您的.*|替换.*",
    re.IGNORECASE,
)
_NOT_EXPANDED = re.compile(r"\$\w+|\$\{\w+\}|\$\(.+\)|%\w+%|\$env:\w+", re.IGNORECASE)
_QIANFAN_KEY = re.compile(r"bce-v3/[^/\s]+/[^/\s]+")

# Beginning, fault, what it is, and where it belongs.
_VOLC_PAIR, _QIANFAN_PAIR = "VOLC_ACCESSKEY, with VOLC_SECRETKEY", "QIANFAN_ACCESS_KEY, with QIANFAN_SECRET_KEY"
_FORMS = (
    ("bce-v3/", "key_of_another_service", "an API key of Baidu Qianfan", "QIANFAN_BEARER_TOKEN"),
    ("ALTAK", "access_key_as_api_key", "an access key of Baidu Cloud", _QIANFAN_PAIR),
    ("AKLT", "access_key_as_api_key", "an access key id of Volcengine", _VOLC_PAIR),
    ("AKTP", "access_key_as_api_key", "a temporary key id of Volcengine", _VOLC_PAIR),
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


def check_variables(setup: Setup) -> list[Finding]:
    """Which credentials there are, and whether they contradict each other."""
    service = setup.service
    if setup.mode == "none":
        return [_why_none(setup)]
    named = [name for name in (*service.keys, *service.pair) if setup.value(name)]
    sizes = ", ".join(f"{name} ({len(_text(setup, name))} characters)" for name in named)
    used = setup.key_variable if setup.mode == "key" else " and ".join(service.pair)
    beside = "" if len(named) == 1 or (setup.mode == "pair" and len(named) == 2) else f"; used: {used}"
    findings = [ok("environment", f"{sizes}{beside}", set=named, used=used)]
    if len({_text(setup, name) for name in service.keys if setup.value(name)}) > 1:
        findings.append(fault(setup, "keys_contradict", names=" and ".join(service.keys)))
    if half := _half(setup):
        findings.append(fault(setup, "pair_incomplete.unused", present=half[0], absent=half[1]))
    return findings


def _text(setup: Setup, name: str | None) -> str:
    return (setup.value(name or "") or "").strip()


def _half(setup: Setup) -> tuple[str, str] | None:
    """Of a pair with one half missing, the half that is set and the other."""
    access, secret = setup.service.pair
    if bool(setup.value(access)) == bool(setup.value(secret)):
        return None
    return (access, secret) if setup.value(access) else (secret, access)


def _why_none(setup: Setup) -> Finding:
    """Why there are no credentials."""
    service, names = setup.service, (*setup.service.keys, *setup.service.pair)
    for right in names:
        for wrong in _MISSPELT.get(right, "").split():
            if setup.value(wrong) and not setup.value(right):
                return fault(setup, "variable_misspelt", wrong=wrong, right=right)
    if half := _half(setup):
        return fault(setup, "pair_incomplete", present=half[0], absent=half[1])
    if service.name == "qianfan" and any(setup.value(name) for name in _V1_ONLY):
        return fault(setup, "v1_credentials")
    blank = next((name for name in names if name in setup.environment), None)
    state = f"{blank} is set, but empty" if blank else f"{service.keys[0]} is not set"
    return fault(setup, "key_missing", state=state)


def check_values(setup: Setup) -> list[Finding]:
    """What a value holds that no credential does: quotes, line breaks, a placeholder."""
    names = setup.service.pair if setup.mode == "pair" else (setup.key_variable,) if setup.key_variable else ()
    found = (_in_value(setup, name) for name in names)
    return [finding for finding in found if finding is not None]


def _in_value(setup: Setup, name: str) -> Finding | None:
    text = _text(setup, name)
    rules = (
        ("value_newline", re.search(r"[\r\n]", text)),
        ("value_quotes", text[0] in _QUOTES or text[-1] in _QUOTES),
        ("key_bearer_prefix", text.lower().startswith("bearer ")),
        ("value_not_expanded", _NOT_EXPANDED.fullmatch(text)),
        ("value_placeholder", _PLACEHOLDER.fullmatch(text)),
        ("value_not_ascii", not (text.isascii() and text.isprintable())),
        ("value_whitespace", re.search(r"\s", text)),
        ("value_whitespace.around", setup.value(name) != text),
    )
    return next((fault(setup, key, name=name) for key, holds in rules if holds), None)


def check_form(setup: Setup) -> list[Finding]:
    """Whether the credentials have the form of this service's."""
    if setup.mode == "none":
        return []
    found = _pair_form(setup) if setup.mode == "pair" else _key_form(setup)
    return [found or ok("key", "the form of the credentials is right")]


def _key_form(setup: Setup) -> Finding | None:
    name, text, is_qianfan = setup.key_variable, _text(setup, setup.key_variable), setup.service.name == "qianfan"
    for beginning, key, what, belongs in _FORMS:
        if text.startswith(beginning) and not (is_qianfan and beginning == "bce-v3/"):
            is_other = is_qianfan and key == "access_key_as_api_key"
            return fault(
                setup, "key_of_another_service" if is_other else key, name=name, what=what, belongs=belongs
            )
    if not is_official(setup):
        return None
    if is_qianfan and not _QIANFAN_KEY.fullmatch(text):
        return fault(setup, "key_form", name=name)
    owner = next((owner for beginning, owner in _ELSEWHERE.items() if text.startswith(beginning)), None)
    return fault(setup, "key_of_another_service.vendor", name=name, owner=owner) if owner else None


def _pair_form(setup: Setup) -> Finding | None:
    access, secret = setup.service.pair
    public, hidden = _text(setup, access), _text(setup, secret)
    own = "Baidu Cloud" if setup.service.name == "qianfan" else "Volcengine"
    owner = next((owner for owner, beginnings in _PAIRS.items() if public.startswith(beginnings)), own)
    rules = (
        ("pair_swapped", hidden.startswith(_PAIRS[own]) and not public.startswith(_PAIRS[own])),
        ("pair_swapped.same", public == hidden),
        ("key_of_another_service.pair", owner != own),
    )
    values = {"access": access, "secret": secret, "name": access, "owner": owner}
    return next((fault(setup, key, **values) for key, holds in rules if holds), None)
