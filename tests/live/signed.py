"""Signed requests by plain HTTP, for live tests that do not use the package."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from langchain_volcark.qianfan.signing import sign as bce_sign
from langchain_volcark.volcengine_signing import sign as volc_sign
from tests.live.services import TRUSTED, Services


def volc(
    services: Services,
    url: str,
    body: Any,
    *,
    service: str,
    region: str,
    ago: timedelta = timedelta(0),
    leave_out_host: bool = False,
) -> httpx.Response:
    """Send a request with a Volcengine signature.

    Args:
        services: Whose keys sign.
        url: Where to.
        body: JSON.
        service: The service's name in the signature.
        region: The region's.
        ago: How old the signature is.
        leave_out_host: Sign without the host, as one of the vendor's SDKs does.
    """
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    keys = {"access_key": services.access_key, "secret_key": services.secret_key}
    now = datetime.now(timezone.utc) - ago
    signed = volc_sign("POST", url, headers, content, **keys, region=region, service=service, now=now)
    if leave_out_host:
        signed = _without_host(url, content, signed, keys["secret_key"])
    return httpx.post(url, content=content, headers={**headers, **signed}, timeout=600, verify=TRUSTED)


def _without_host(url: str, content: bytes, signed: dict[str, str], secret: str) -> dict[str, str]:
    names = "content-type;x-content-sha256;x-date"
    values = {
        "content-type": "application/json",
        "x-content-sha256": signed["X-Content-Sha256"],
        "x-date": signed["X-Date"],
    }
    lines = "".join(f"{name}:{values[name]}\n" for name in names.split(";"))
    digest = hashlib.sha256(content).hexdigest()
    canonical = f"POST\n{httpx.URL(url).path}\n\n{lines}\n{names}\n{digest}"
    found = re.search(r"Credential=([^/]+)/([^,]+),", signed["Authorization"])
    assert found
    key, scope = secret.encode(), found[2]
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    to_sign = "\n".join(["HMAC-SHA256", signed["X-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    authorization = f"HMAC-SHA256 Credential={found[1]}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**signed, "Authorization": authorization}


def bce(
    services: Services, method: str, url: str, body: Any = None, *, secret: str | None = None
) -> httpx.Response:
    """Send a request with Baidu Cloud's signature; `secret` signs with another key than the right one."""
    headers = {"Content-Type": "application/json"}
    signed = bce_sign(
        method,
        url,
        headers,
        access_key=services.qianfan_access_key,
        secret_key=secret or services.qianfan_secret_key,
        now=datetime.now(timezone.utc),
    )
    content = None if body is None else json.dumps(body).encode()
    return httpx.request(method, url, content=content, headers={**headers, **signed}, timeout=600, verify=TRUSTED)
