"""The API's address: mistakes that show before anything is sent."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import httpx

from langchain_volcark.cli.doctor.findings import Finding, fault, ok
from langchain_volcark.http import arguments

if TYPE_CHECKING:
    from langchain_volcark.cli.services import ServiceName, Setup

_CHAT = "/chat/completions"

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
_KNOWLEDGE_PATHS = (_CHAT, "/service/chat", "/collection/search_knowledge", "")
_PASTED: dict[ServiceName, tuple[str, ...]] = {
    "ark": ("/bots" + _CHAT, _CHAT, "/embeddings/multimodal", "/embeddings", "/models", "/bots"),
    "qianfan": (_CHAT, "/embeddings", "/rerankers", "/rerank"),
    "knowledge": tuple(f"/api/knowledge{path}" for path in _KNOWLEDGE_PATHS),
}
_ANTHROPIC_PATHS = ("/api/coding", "/api/compatible")
_CONSOLE = re.compile(
    r"((console|www)\.)?volcengine\.com|console\.bce\.baidu\.com|cloud\.baidu\.com|console\.byteplus\.com"
)
_REGION = re.compile(r"(?:ark|api-knowledgebase\.mlp)\.(?P<region>[a-z0-9-]+)\.(?:volces|bytepluses)\.com")
_CONTROL = re.compile(r".*\.volcengineapi\.com|iam\.bj\.baidubce\.com")
_ADDRESS_LIKE = re.compile(r"https?://\S+|([\w.-]+\.[a-z]{2,}|localhost)(:\d+)?(/[\w./-]*)?", re.IGNORECASE)


def shown(url: str) -> str:
    """An address as it may be printed: what is not one may be a key that was put into the wrong variable."""
    text = url.strip()
    bare = re.sub(r"(?<=://)[^/@]*@", "", re.split(r"[?#]", text)[0])
    if not text or _ADDRESS_LIKE.fullmatch(bare):
        return bare or "(empty)"
    return f"({len(text)} characters, no address)"


def is_official(setup: Setup) -> bool:
    """Whether the address is one of the service's own hosts."""
    try:
        return httpx.URL(setup.base_url.strip()).host in _HOSTS[setup.service.name]
    except httpx.InvalidURL:
        return False


def check_address(setup: Setup) -> list[Finding]:
    """Whether the address is one that the service has: one finding."""
    url = setup.base_url.strip()
    if found := _form(setup, url) or _place(setup, httpx.URL(url)):
        return [found]
    if is_official(setup):
        return [ok("base_url", f"the service's own ({setup.base_source})")]
    return [ok("base_url", f"{httpx.URL(url).host}, not the service's own (a gateway or a test server?)")]


def _form(setup: Setup, url: str) -> Finding | None:
    after_host = re.sub(r"^https?://[^/?#]*", "", url)
    rules = (
        ("base_url_empty", not url),
        ("base_url_quotes", re.search(r"^['\"“”]|['\"“”]$|\s", url)),
        ("base_url_scheme", not url.startswith(("http://", "https://"))),
        ("base_url_query", re.search(r"[?#]", after_host)),
        ("base_url_userinfo", re.match(r"https?://[^/]*@", url)),
        ("base_url_form", _is_refused(url)),
    )
    return next((fault(setup, key, url=shown(url)) for key, holds in rules if holds), None)


def _is_refused(url: str) -> bool:
    """Whether the classes of the package refuse it as `base_url`."""
    try:
        arguments.check_address(url, "base_url")
    except ValueError:
        return True
    return False


def _place(setup: Setup, url: httpx.URL) -> Finding | None:
    """What is wrong with the host or the path of a valid URL."""
    service, host, hosts = setup.service.name, url.host, _HOSTS[setup.service.name]
    path = rest = url.path.rstrip("/")
    for pasted in _PASTED[service]:
        rest = rest.removesuffix(pasted)
    allowed, right = hosts.get(host, ()), rest.rstrip("/")
    owner = next((name for name, theirs in _HOSTS.items() if host in theirs), service)
    region = None if host in hosts else _REGION.fullmatch(host)
    near = difflib.get_close_matches(host, hosts, n=1, cutoff=0.85)
    is_wrong_path = host in hosts and right not in allowed
    rules = (
        ("base_url_console", _CONSOLE.fullmatch(host)),
        ("base_url_control_plane", _CONTROL.fullmatch(host)),
        ("base_url_v1", host == "aip.baidubce.com"),
        ("base_url_other_service", owner != service),
        ("base_url_http", host in hosts and url.scheme == "http"),
        ("base_url_region", region),
        ("base_url_typo", near and host not in hosts),
        ("base_url_path.anthropic", is_wrong_path and service == "ark" and right in _ANTHROPIC_PATHS),
        ("base_url_path", is_wrong_path),
        ("base_url_endpoint_pasted", rest != path),
    )
    values: dict[str, Any] = {
        "host": host,
        "hosts": ", ".join(hosts),
        "owner": owner,
        "region": region and region["region"],
        "near": near and near[0],
        "path": right or "/",
        "allowed": " or ".join(allowed) or "empty",
        "ending": path[len(rest) :],
        "shorter": str(url).rstrip("/").removesuffix(path[len(rest) :]),
    }
    return next((fault(setup, key, **values) for key, holds in rules if holds), None)
