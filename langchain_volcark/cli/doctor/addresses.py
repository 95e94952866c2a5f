"""The API's address: the slips that are known before anything is sent."""

from __future__ import annotations

import difflib
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from langchain_volcark.cli.doctor.findings import Finding, fail, ok, warn

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
_CONSOLE = re.compile(
    r"((console|www)\.)?volcengine\.com|console\.bce\.baidu\.com|cloud\.baidu\.com|console\.byteplus\.com"
)
_REGION = re.compile(r"(?:ark|api-knowledgebase\.mlp)\.(?P<region>[a-z0-9-]+)\.(?:volces|bytepluses)\.com")
_CONTROL = re.compile(r".*\.volcengineapi\.com|iam\.bj\.baidubce\.com")
_HOST_LIKE = re.compile(r"[\w.-]+\.[a-z]{2,}(:\d+)?(/[\w./-]*)?|localhost(:\d+)?(/[\w./-]*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """An address that can be dialled."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(url: str) -> Address | None:
    """Where a URL leads; None for what is no URL of a server."""
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return Address(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


def is_ip_address(host: str) -> bool:
    """Whether a host is given by its number."""
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def shown(url: str) -> str:
    """An address as it may be printed: what is none may be a key that stands in the wrong variable."""
    text = url.strip()
    if parse(text) is None and not _HOST_LIKE.fullmatch(text):
        return f"({len(text)} characters, no address)" if text else "(empty)"
    return re.sub(r"(?<=://)[^/@]*@", "", re.split(r"[?#]", text)[0])


def is_official(setup: Setup) -> bool:
    """Whether the address is one of the service's own hosts."""
    address = parse(setup.base_url)
    return address is not None and address.host in _HOSTS[setup.service.name]


def check_address(setup: Setup) -> list[Finding]:
    """Whether the address is one that the service has."""
    url = setup.base_url.strip()
    address = parse(url)
    found = _form(setup, url, address)
    if found is None and address is not None:
        found = _stranger(setup, address) or _place(setup, address) or _path(setup, url, address)
    if found is not None:
        return [found]
    if address is not None and not is_official(setup):
        said = f"{address.host} is none of the service's own hosts: a gateway, a private or a test server?"
        return [ok("base_url", said)]
    return [ok("base_url", f"the service's own ({setup.base_source})")]


def _form(setup: Setup, url: str, address: Address | None) -> Finding | None:
    expected = f"It looks like {setup.service.base_url}."
    parts = urlsplit(url if address else "")
    for is_so, fault, said, advice in (
        (not url, "base_url_empty", f"{setup.base_source} is set, but empty", f"Unset it. {expected}"),
        (
            re.search(r"^['\"“”]|['\"“”]$|\s", url),
            "base_url_quotes",
            "the address holds quotation marks or blanks",
            "Remove them.",
        ),
        (
            not url.lower().startswith(("http://", "https://")),
            "base_url_scheme",
            f"{shown(url)} does not begin with https://",
            f"Add it. {expected}",
        ),
        (address is None, "base_url_form", f"{shown(url)} is no address of a server", expected),
        (
            parts.query or parts.fragment,
            "base_url_query",
            "the address has a query or a fragment",
            f"Cut it off. {expected}",
        ),
    ):
        if is_so:
            return fail("base_url", fault, said, advice)
    if parts.username or parts.password:
        return warn("base_url", "base_url_userinfo", "the address holds a user name or password", "Remove them.")
    return None


def _stranger(setup: Setup, address: Address) -> Finding | None:
    host, expected = address.host, f"The API is at {setup.service.base_url}."
    owner = next((name for name, hosts in _HOSTS.items() if host in hosts), setup.service.name)
    if _CONSOLE.fullmatch(host):
        return fail("base_url", "base_url_console", f"{host} is a site for people, not the API", expected)
    if _CONTROL.fullmatch(host):
        said = f"{host} hands out keys and runs no models"
        advice = f"It belongs in --exchange-url (control_base_url=…), if anywhere. {expected}"
        return fail("base_url", "base_url_control_plane", said, advice)
    if host == "aip.baidubce.com":
        said = f"{host} was Qianfan's V1, which ended on 2026-08-31"
        return fail("base_url", "base_url_v1", said, f"Use V2. {expected}")
    if owner != setup.service.name:
        said = f"{host} belongs to another service ({owner})"
        return fail("base_url", "base_url_other_service", said, expected)
    return None


def _place(setup: Setup, address: Address) -> Finding | None:
    hosts = _HOSTS[setup.service.name]
    if address.host in hosts:
        said = "the address begins with http://, which would send the key unencrypted"
        advice = f"Use https://. The API is at {setup.service.base_url}."
        return fail("base_url", "base_url_http", said, advice) if address.scheme == "http" else None
    if region := _REGION.fullmatch(address.host):
        said = f"the service is not offered at {address.host} (region {region['region']})"
        advice = f"It is at {', '.join(hosts)}; a key works in its own region only."
        return fail("base_url", "base_url_region", said, advice)
    near = difflib.get_close_matches(address.host, hosts, n=1, cutoff=0.85)
    if near and not is_ip_address(address.host):
        return warn("base_url", "base_url_typo", f"{address.host} is nearly {near[0]}", "Is it a slip?")
    return None


def _path(setup: Setup, url: str, address: Address) -> Finding | None:
    path = urlsplit(url).path.rstrip("/")
    rest = path
    for pasted in _PASTED[setup.service.name]:
        rest = rest.removesuffix(pasted)
    allowed, right = _HOSTS[setup.service.name].get(address.host), rest.rstrip("/")
    if allowed is not None and right not in allowed:
        is_anthropic = setup.service.name == "ark" and right in ("/api/coding", "/api/compatible")
        hint = " (that is the address for Anthropic's format)" if is_anthropic else ""
        said = f"the path is {right or '/'}{hint}, and must be {' or '.join(allowed) or 'empty'}"
        return fail("base_url", "base_url_path", said, f"Use {setup.service.base_url}.")
    if rest == path:
        return None
    said = f"the address ends in {path[len(rest) :]}, which is cut off here but not by every program"
    advice = f"Set {url.rstrip('/')[: len(rest) - len(path)]}."
    return warn("base_url", "base_url_endpoint_pasted", said, advice)
