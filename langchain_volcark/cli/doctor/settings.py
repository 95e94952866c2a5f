"""The set-up: mistakes in credentials and address that show before anything is sent."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import httpx

from langchain_volcark.cli.doctor.findings import Finding, fault, match, ok, shown
from langchain_volcark.http import arguments

if TYPE_CHECKING:
    from langchain_volcark.cli.services import ServiceName, Setup

# Ark: https://www.volcengine.com/docs/82379/1298459; BytePlus: https://docs.byteplus.com/en/docs/ModelArk/1298459.
_HOSTS: dict[ServiceName, dict[str, tuple[str, ...]]] = {
    "ark": {
        "ark.cn-beijing.volces.com": ("/api/v3", "/api/coding/v3", "/api/plan/v3"),
        "ark.ap-southeast.bytepluses.com": ("/api/v3", "/api/coding/v3"),
        "ark.eu-west.bytepluses.com": ("/api/v3",),
    },
    "qianfan": {"qianfan.baidubce.com": ("/v2", "/v2/coding", "/v2/tokenplan/personal")},
    "knowledge": {
        "api-knowledgebase.mlp.cn-beijing.volces.com": ("",),
        "api-knowledgebase.mlp.cn-hongkong.bytepluses.com": ("",),
    },
}
_PASTED = re.compile(
    r"((/bots)?/chat/completions|/embeddings(/multimodal)?|/models|/bots|/rerank(ers)?|"
    r"/api/knowledge(/chat/completions|/service/chat|/collection/search_knowledge)?)$"
)
_REGION = re.compile(r"(?:ark|api-knowledgebase\.mlp)\.(?P<region>[a-z0-9-]+)\.(?:volces|bytepluses)\.com")

# What this package reads, and the names that people and other programs use instead.
_MISSPELT = {
    "ARK_API_KEY": r"ARK_(APIKEY|KEY|TOKEN)|VOLC(_ARK|ENGINE|ENGINE_ARK)?_API_KEY|DOUBAO_API_KEY",
    "QIANFAN_BEARER_TOKEN": r"QIANFAN_(TOKEN|KEY|APIKEY)|BAIDU_(QIANFAN_)?API_KEY",
    "QIANFAN_ACCESS_KEY": r"QIANFAN_ACCESSKEY",
    "QIANFAN_SECRET_KEY": r"QIANFAN_SECRETKEY",
    "VOLC_ACCESSKEY": r"VOLC_(ACCESS_KEY|ACCESS_KEY_ID|AK)|VOLCENGINE_ACCESS_KEY",
    "VOLC_SECRETKEY": r"VOLC_(SECRET_KEY|SECRET_ACCESS_KEY|SK)|VOLCENGINE_SECRET_KEY",
}
_V1_ONLY = ("QIANFAN_AK", "QIANFAN_SK", "QIANFAN_ACCESS_TOKEN")


def check_variables(setup: Setup) -> list[Finding]:
    """Which credentials there are, and whether they contradict each other."""
    service = setup.service
    if setup.mode == "none":
        return [_why_none(setup)]
    named = [name for name in (*service.keys, *service.pair) if setup.value(name)]
    sizes = ", ".join(f"{name} ({len(_text(setup, name))} characters)" for name in named)
    used = " and ".join(_used(setup))
    beside = "" if tuple(named) == _used(setup) else f"; used: {used}"
    findings = [ok("environment", f"{sizes}{beside}", set=named, used=used)]
    if len({_text(setup, name) for name in service.keys if setup.value(name)}) > 1:
        findings.append(fault(setup, "keys_contradict", names=" and ".join(service.keys)))
    if half := _present_and_absent(setup):
        findings.append(fault(setup, "pair_incomplete.unused", present=half[0], absent=half[1]))
    return findings


def _text(setup: Setup, name: str) -> str:
    return (setup.value(name) or "").strip()


def _used(setup: Setup) -> tuple[str, ...]:
    return setup.service.pair if setup.mode == "pair" else (setup.key_variable,) if setup.key_variable else ()


def _present_and_absent(setup: Setup) -> tuple[str, str] | None:
    access, secret = setup.service.pair
    if bool(setup.value(access)) == bool(setup.value(secret)):
        return None
    return (access, secret) if setup.value(access) else (secret, access)


def _why_none(setup: Setup) -> Finding:
    service, names = setup.service, (*setup.service.keys, *setup.service.pair)
    for right in names:
        for wrong in setup.environment:
            if setup.value(wrong) and not setup.value(right) and re.fullmatch(_MISSPELT.get(right, ""), wrong):
                return fault(setup, "variable_misspelt", wrong=wrong, right=right)
    if half := _present_and_absent(setup):
        return fault(setup, "pair_incomplete", present=half[0], absent=half[1])
    if service.name == "qianfan" and any(setup.value(name) for name in _V1_ONLY):
        return fault(setup, "v1_credentials")
    blank = next((name for name in names if name in setup.environment), None)
    state = f"{blank} is set, but empty" if blank else f"{service.keys[0]} is not set"
    return fault(setup, "key_missing", state=state)


def check_values(setup: Setup) -> list[Finding]:
    """What a value holds that no credential does: quotes, line breaks, a placeholder."""
    found = []
    for name in _used(setup):
        text = _text(setup, name)
        if finding := match(setup, "key", text, name=name):
            found.append(finding)
        elif setup.value(name) != text:
            found.append(fault(setup, "value_whitespace.around", name=name))
    return found


def check_form(setup: Setup) -> list[Finding]:
    """Whether the credentials have the form of this service's."""
    names, whose = _used(setup), "own" if is_official(setup) else "other"
    if not names:
        return []
    value = " ".join((setup.service.name, whose, *(_text(setup, name) for name in names)))
    found = match(setup, f"key.{setup.mode}", value, name=names[0], secret=names[-1])
    return [found or ok("key", "the form of the credentials is right")]


def is_official(setup: Setup) -> bool:
    """Whether the address is one of the service's own hosts."""
    return re.sub(r"^https?://|[:/?#].*", "", setup.base_url.strip()) in _HOSTS[setup.service.name]


def check_address(setup: Setup) -> list[Finding]:
    """Whether the address is one that the service has: one finding."""
    url = setup.base_url.strip()
    if found := match(setup, "base_url", url, shown=shown(url)):
        return [found]
    try:
        arguments.check_address(url, "base_url")
    except ValueError:
        return [fault(setup, "base_url_form", shown=shown(url))]
    if found := _place(setup, httpx.URL(url)):
        return [found]
    if is_official(setup):
        return [ok("base_url", f"the service's own ({setup.base_source})")]
    return [ok("base_url", f"{httpx.URL(url).host}, not the service's own (a gateway or a test server?)")]


def _place(setup: Setup, url: httpx.URL) -> Finding | None:
    """What is wrong with the host or the path of a valid URL."""
    service, host, hosts = setup.service.name, url.host, _HOSTS[setup.service.name]
    path, allowed = url.path.rstrip("/"), hosts.get(host, ())
    right = _PASTED.sub("", path).rstrip("/")
    ending = path.removeprefix(right)
    owner = next((name for name, theirs in _HOSTS.items() if host in theirs), service)
    region = None if host in hosts else _REGION.fullmatch(host)
    near = difflib.get_close_matches(host, hosts, n=1, cutoff=0.85)
    is_wrong_path = host in hosts and right not in allowed
    is_anthropic = service == "ark" and right in ("/api/coding", "/api/compatible")
    rules = (
        ("base_url_other_service", owner != service),
        ("base_url_http", host in hosts and url.scheme == "http"),
        ("base_url_region", region),
        ("base_url_typo", near and host not in hosts),
        (
            "base_url_path.anthropic",
            is_wrong_path and is_anthropic,
        ),
        ("base_url_path", is_wrong_path),
        ("base_url_endpoint_pasted", ending),
    )
    values = {"url": url, "owner": owner, "region": region, "near": near, "ending": ending, "path": right or "/"}
    values |= {"hosts": ", ".join(hosts), "allowed": " or ".join(allowed) or "empty"}
    values["shorter"] = str(url).rstrip("/").removesuffix(ending)
    return next((fault(setup, key, **values) for key, holds in rules if holds), None)
