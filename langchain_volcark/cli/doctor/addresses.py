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
    "qianfan": {"qianfan.baidubce.com": ("/v2", "/v2/coding")},
    "knowledge": {
        "api-knowledgebase.mlp.cn-beijing.volces.com": ("",),
        "api-knowledgebase.mlp.cn-hongkong.bytepluses.com": ("",),
    },
}
_PASTED: dict[ServiceName, tuple[str, ...]] = {
    "ark": ("/bots" + _CHAT, _CHAT, "/embeddings/multimodal", "/embeddings", "/models", "/bots"),
    "qianfan": (_CHAT, "/embeddings", "/rerankers", "/rerank"),
    "knowledge": (
        "/api/knowledge" + _CHAT,
        "/api/knowledge/service/chat",
        "/api/knowledge/collection/search_knowledge",
        "/api/knowledge",
    ),
}
_CONSOLES = (
    "console.volcengine.com",
    "www.volcengine.com",
    "volcengine.com",
    "console.bce.baidu.com",
    "cloud.baidu.com",
    "console.byteplus.com",
)
_REGION = re.compile(r"(?P<front>ark|api-knowledgebase\.mlp)\.(?P<region>[a-z0-9-]+)\.(volces|bytepluses)\.com")
_CONTROL = re.compile(r"(open\.volcengineapi\.com|.*\.volcengineapi\.com|iam\.bj\.baidubce\.com)")
_HOST_LIKE = re.compile(r"[\w.-]+\.[a-z]{2,}(:\d+)?(/[\w./-]*)?|localhost(:\d+)?(/[\w./-]*)?", re.IGNORECASE)
_V1_HOST = "aip.baidubce.com"


@dataclass(frozen=True)
class Address:
    """An address that can be dialled."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


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
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


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
    url = setup.base_url
    for look in (_form, _stranger, _place, _path):
        found = look(setup, url.strip())
        if found is not None:
            return [found]
    if is_official(setup):
        return [ok("base_url", f"the service's own ({setup.base_source})")]
    address = parse(url)
    host = address.host if address else ""
    return [ok("base_url", f"{host} is none of the service's own hosts: a gateway, a private or a test server?")]


def _form(setup: Setup, url: str) -> Finding | None:
    expected = f"It looks like {setup.service.base_url}."
    if not url:
        return fail(
            "base_url", "base_url_empty", f"{setup.base_source} is set, but empty", f"Unset it. {expected}"
        )
    if url[0] in "'\"“”" or url[-1] in "'\"“”" or re.search(r"\s", url):
        return fail("base_url", "base_url_quotes", "the address holds quotation marks or blanks", "Remove them.")
    if "://" not in url or not url.lower().startswith(("http://", "https://")):
        return fail(
            "base_url",
            "base_url_scheme",
            f"{shown(url)} does not begin with https://",
            f"Add it. {expected}",
        )
    if parse(url) is None:
        return fail("base_url", "base_url_form", f"{shown(url)} is no address of a server", expected)
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        return fail(
            "base_url", "base_url_query", "the address has a query or a fragment", f"Cut it off. {expected}"
        )
    if parts.username or parts.password:
        return warn("base_url", "base_url_userinfo", "the address holds a user name or password", "Remove them.")
    return None


def _stranger(setup: Setup, url: str) -> Finding | None:
    address = parse(url)
    if address is None:
        return None
    expected = f"The API is at {setup.service.base_url}."
    if address.host in _CONSOLES:
        return fail(
            "base_url",
            "base_url_console",
            f"{address.host} is a site for people, not the API",
            f"Use the API's. {expected}",
        )
    if _CONTROL.fullmatch(address.host):
        return fail(
            "base_url",
            "base_url_control_plane",
            f"{address.host} hands out keys and runs no models",
            f"It belongs in --exchange-url (control_base_url=…), if anywhere. {expected}",
        )
    if address.host == _V1_HOST:
        return fail(
            "base_url",
            "base_url_v1",
            f"{address.host} was Qianfan's V1, which ended on 2026-08-31",
            f"Use V2. {expected}",
        )
    for other, hosts in _HOSTS.items():
        if other != setup.service.name and address.host in hosts:
            return fail(
                "base_url",
                "base_url_other_service",
                f"{address.host} belongs to another service ({other})",
                expected,
            )
    return None


def _place(setup: Setup, url: str) -> Finding | None:
    address = parse(url)
    if address is None:
        return None
    hosts = _HOSTS[setup.service.name]
    if address.host in hosts:
        if address.scheme == "http":
            return fail(
                "base_url",
                "base_url_http",
                "the address begins with http://, which would send the key unencrypted",
                f"Use https://. The API is at {setup.service.base_url}.",
            )
        return None
    region = _REGION.fullmatch(address.host)
    if region is not None:
        return fail(
            "base_url",
            "base_url_region",
            f"the service is not offered at {address.host} (region {region['region']})",
            f"It is at {', '.join(hosts)}; a key works in its own region only.",
        )
    near = difflib.get_close_matches(address.host, hosts, n=1, cutoff=0.85)
    if near and not is_ip_address(address.host):
        return warn("base_url", "base_url_typo", f"{address.host} is nearly {near[0]}", "Is it a slip?")
    return None


def _path(setup: Setup, url: str) -> Finding | None:
    path = urlsplit(url).path.rstrip("/")
    rest = path
    for pasted in _PASTED[setup.service.name]:
        rest = rest.removesuffix(pasted)
    allowed = _HOSTS[setup.service.name].get((parse(url) or Address("", "", 0)).host)
    right = rest.rstrip("/")
    if allowed is not None and right not in allowed:
        hint = ""
        if setup.service.name == "ark" and right in ("/api/coding", "/api/compatible"):
            hint = " (that is the address for Anthropic's format)"
        return fail(
            "base_url",
            "base_url_path",
            f"the path is {right or '/'}{hint}, and must be {' or '.join(allowed) or 'empty'}",
            f"Use {setup.service.base_url}.",
        )
    if rest != path:
        return warn(
            "base_url",
            "base_url_endpoint_pasted",
            f"the address ends in {path[len(rest) :]}, which is cut off here but not by every program",
            f"Set {url.rstrip('/')[: len(rest) - len(path)]}.",
        )
    return None
