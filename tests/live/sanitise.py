"""Removes private data from recordings: keys, ids, accounts, tokens, signatures, cookies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

KEPT_HEADERS = ("content-type", "retry-after", "x-should-retry")
KEPT_HEADER_PREFIXES = ("x-ratelimit-",)
REQUEST_IDS = ("x-request-id", "x-client-request-id", "x-tt-logid", "x-baidu-request-id", "x-bce-request-id")

# Fields whose value is an id, whatever it looks like.
_ID_FIELDS = frozenset(
    {
        "id", "request_id", "requestid", "tool_call_id", "log_id", "trace_id", "doc_id", "point_id", "chunk_id",
        "uuid", "resource_id", "service_resource_id", "knowledge_resource_id", "collection_name", "context_id",
    }
)  # fmt: skip
# Fields whose value belongs to somebody.
_PRIVATE_FIELDS = frozenset(
    {
        "accountid", "account_id", "user_id", "userid", "user", "user_info", "client_ip", "ip", "email", "phone",
        "token", "access_token", "refresh_token", "session_key", "session_secret", "apikey", "api_key", "appid",
        "project", "encrypted_content", "authorization", "cookie", "signature",
    }
)  # fmt: skip
# Those that also name harmless things, when they are numbers or objects.
_TEXT_ONLY = frozenset({"user", "token", "project", "id", "chunk_id"})

_PATTERNS = {
    "secret": re.compile(
        r"bce-v3/\S+?(?=[\"'\s\\,]|$)|\bALTAK[\w-]{4,}|\bAKLT[\w=]{4,}|\b24\.[0-9a-z]{8,}\.\d+\.\d+\.[\w-]+|\bsk-[\w-]{8,}"
        r"|\bBearer\s+[\w./+=-]{8,}|\bgAAAA[\w=-]{16,}|\beyJ[\w-]{10,}\.[\w-]+\.?[\w-]*"
    ),
    "endpoint": re.compile(
        r"\b(?:ep|ep-m|ep-bi|bot|ctx|cgt|app|kb|kb-service|file|resp|msg|rs|fc|ws)-[\w-]*\d[\w-]*"
    ),
    "call": re.compile(r"\bcall_[A-Za-z0-9]{6,}"),
    "request": re.compile(r"\b02\d{10,}[0-9a-f]{8,}\b|\b20\d{12,}[0-9A-F]{6,}\b|\bas-[a-z0-9]{8,12}\b"),
    "uuid": re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    "account": re.compile(r"\b21\d{8}\b"),
    "address": re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|[\w.+-]+@[\w-]+\.[\w.]+"),
}
_URL = re.compile(r"https?://[^\s\"'<>\\]+")


class Sanitiser:
    """Replaces the same value by the same placeholder, so that what belonged together still does.

    Args:
        secrets: Values that must not be found, wherever they stand.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted((one for one in secrets if one), key=len, reverse=True)
        self._known: dict[str, str] = {}
        self._numbers: dict[str, int] = {}

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that tests look at; everything else goes."""
        kept = {}
        for name, value in headers.items():
            plain = name.lower()
            if plain in KEPT_HEADERS or plain.startswith(KEPT_HEADER_PREFIXES):
                kept[plain] = self.text(value)
            elif plain in REQUEST_IDS:
                kept[plain] = self._placeholder("request", value)
        return kept

    def json(self, value: Any, field: str = "") -> Any:
        """A JSON value without what must go."""
        plain = field.lower()
        if isinstance(value, dict):
            return {self.text(name): self.json(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.json(inner, field) for inner in value]
        if value is None or isinstance(value, bool) or value == "":
            return value
        if plain in _PRIVATE_FIELDS and (isinstance(value, str) or plain not in _TEXT_ONLY):
            return self._placeholder("private", str(value))
        if plain in _ID_FIELDS and (isinstance(value, str) or plain not in _TEXT_ONLY):
            return self._placeholder("id", str(value))
        return self._inner(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text without what must go."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        text = _URL.sub(lambda found: _without_query(found[0]), text)
        for kind, pattern in _PATTERNS.items():
            text = pattern.sub(lambda found, kind=kind: self._placeholder(kind, found[0]), text)  # type: ignore[misc]
        for original, placeholder in self._known.items():
            if len(original) >= 8:
                text = text.replace(original, placeholder)
        return text

    def body(self, body: str) -> Any:
        """A body: JSON as such, an event stream as the list of its lines."""
        try:
            return self.json(json.loads(body))
        except ValueError:
            return None

    def events(self, body: str) -> list[str]:
        """The lines of an event stream, each with its data sanitised."""
        return [self._line(line) for line in re.split(r"\r\n|\n|\r", body)]

    def _line(self, line: str) -> str:
        if not line.startswith("data:"):
            return self.text(line)
        head = "data: " if line.startswith("data: ") else "data:"
        try:
            parsed = json.loads(line.removeprefix(head))
        except ValueError:
            return self.text(line)
        return head + json.dumps(self.json(parsed), ensure_ascii=False, separators=(",", ":"))

    def _inner(self, text: str) -> str:
        """A text; where it holds JSON (arguments, usage, metadata), that JSON without what must go."""
        stripped = text.strip()
        if stripped[:1] in ("{", "["):
            try:
                parsed = json.loads(stripped)
            except ValueError:
                return self.text(text)
            return text.replace(stripped, json.dumps(self.json(parsed), ensure_ascii=False))
        return self.text(text)

    def _placeholder(self, kind: str, original: str) -> str:
        if re.fullmatch(r"\[[a-z]+-\d+\]", original):
            return original
        if original not in self._known:
            self._numbers[kind] = self._numbers.get(kind, 0) + 1
            self._known[original] = f"[{kind}-{self._numbers[kind]}]"
        return self._known[original]


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """What in a text that is to be published still looks like a secret."""
    found = [one for one in secrets if one and one in text]
    found += [match[0] for kind in ("secret", "account", "uuid") for match in _PATTERNS[kind].finditer(text)]
    return found


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
