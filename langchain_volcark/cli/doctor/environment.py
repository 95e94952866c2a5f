"""The environment's variables: what is set, what contradicts, what a value must not hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_volcark.cli.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from langchain_volcark.cli.services import Service, ServiceName, Setup

# Names that people and other programs use, and what this package reads instead.
_MISSPELT: dict[ServiceName, dict[str, str]] = {
    "ark": {
        "ARK_APIKEY": "ARK_API_KEY",
        "ARK_KEY": "ARK_API_KEY",
        "ARK_TOKEN": "ARK_API_KEY",
        "VOLC_API_KEY": "ARK_API_KEY",
        "VOLC_ARK_API_KEY": "ARK_API_KEY",
        "VOLCENGINE_API_KEY": "ARK_API_KEY",
        "VOLCENGINE_ARK_API_KEY": "ARK_API_KEY",
        "DOUBAO_API_KEY": "ARK_API_KEY",
    },
    "qianfan": {
        "QIANFAN_TOKEN": "QIANFAN_BEARER_TOKEN",
        "QIANFAN_KEY": "QIANFAN_BEARER_TOKEN",
        "QIANFAN_APIKEY": "QIANFAN_BEARER_TOKEN",
        "BAIDU_QIANFAN_API_KEY": "QIANFAN_BEARER_TOKEN",
        "BAIDU_API_KEY": "QIANFAN_BEARER_TOKEN",
        "QIANFAN_ACCESSKEY": "QIANFAN_ACCESS_KEY",
        "QIANFAN_SECRETKEY": "QIANFAN_SECRET_KEY",
    },
    "knowledge": {},
}
_MISSPELT_PAIR = {
    "VOLC_ACCESS_KEY": "VOLC_ACCESSKEY",
    "VOLC_ACCESS_KEY_ID": "VOLC_ACCESSKEY",
    "VOLC_AK": "VOLC_ACCESSKEY",
    "VOLCENGINE_ACCESS_KEY": "VOLC_ACCESSKEY",
    "VOLC_SECRET_KEY": "VOLC_SECRETKEY",
    "VOLC_SECRET_ACCESS_KEY": "VOLC_SECRETKEY",
    "VOLC_SK": "VOLC_SECRETKEY",
    "VOLCENGINE_SECRET_KEY": "VOLC_SECRETKEY",
}
_V1_ONLY = ("QIANFAN_AK", "QIANFAN_SK", "QIANFAN_ACCESS_TOKEN")

_QUOTES = "'\"`“”‘’「」"
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\{\{.*\}\}|[x*.…-]{3,}|…|(sk-|ak-)?x{3,}.*|(your|my)[-_ ].*|.*your[-_ ]?(api|access|secret).*|"
    r"changeme|change-me|placeholder|todo|none|null|undefined|api[-_]?key|secret|你的.*|您的.*|替换.*",
    re.IGNORECASE,
)
_NOT_EXPANDED = re.compile(r"\$\w+|\$\{\w+\}|\$\(.+\)|%\w+%|\$env:\w+", re.IGNORECASE)


def check_variables(setup: Setup) -> list[Finding]:
    """Which credentials there are, and whether they contradict each other."""
    service = setup.service
    if setup.mode == "none":
        return [_nothing(setup)]
    named = [name for name in (*service.keys, *service.pair) if setup.value(name)]
    sizes = ", ".join(f"{name} ({len((setup.value(name) or '').strip())} characters)" for name in named)
    used = setup.key_variable if setup.mode == "key" else " and ".join(service.pair)
    beside = "" if len(named) == 1 or (setup.mode == "pair" and len(named) == 2) else f"; used: {used}"
    return [ok("environment", f"{sizes}{beside}", set=named, used=used), *_contradictions(setup)]


def _nothing(setup: Setup) -> Finding:
    service = setup.service
    wrong = _misspelt(setup)
    if wrong is not None:
        return fail(
            "environment",
            "variable_misspelt",
            f"no credentials: {wrong[0]} is set, but the variable is {wrong[1]}",
            f"Set {wrong[1]}.",
        )
    half = [name for name in service.pair if setup.value(name)]
    if half:
        missing = next(name for name in service.pair if name not in half)
        return fail(
            "environment",
            "pair_incomplete",
            f"{half[0]} is set, and {missing} is not",
            f"Set {missing} too: the two belong together.",
        )
    if service.name == "qianfan" and any(setup.value(name) for name in _V1_ONLY):
        return fail(
            "environment",
            "v1_credentials",
            "only credentials of Qianfan's V1 are set (QIANFAN_AK, QIANFAN_SK), whose service ended on 2026-08-31",
            f"Create an API key at {service.console} and set QIANFAN_BEARER_TOKEN.",
        )
    blank = [name for name in (*service.keys, *service.pair) if name in setup.environment]
    how = f"{blank[0]} is set, but empty" if blank else f"{service.keys[0]} is not set"
    return fail(
        "environment",
        "key_missing",
        f"no credentials: {how}",
        f'Create one at {service.console}, then: export {service.keys[0]}="…" (or {" and ".join(service.pair)}).',
    )


def _misspelt(setup: Setup) -> tuple[str, str] | None:
    names = dict(_MISSPELT[setup.service.name])
    if setup.service.pair[0].startswith("VOLC"):
        names |= _MISSPELT_PAIR
    for wrong, right in names.items():
        if setup.value(wrong) and not setup.value(right):
            return wrong, right
    return None


def _contradictions(setup: Setup) -> list[Finding]:
    service, findings = setup.service, []
    values = {(setup.value(name) or "").strip() for name in service.keys if setup.value(name)}
    if len(values) > 1:
        findings.append(
            warn(
                "environment",
                "keys_contradict",
                f"{' and '.join(service.keys)} hold different keys; {setup.key_variable} is used",
                "Unset one of them.",
            )
        )
    half = [name for name in service.pair if setup.value(name)]
    if len(half) == 1:
        missing = next(name for name in service.pair if name not in half)
        findings.append(
            warn(
                "environment",
                "pair_incomplete",
                f"{half[0]} is set without {missing}; it is not used",
                f"Set {missing} too, or unset {half[0]}.",
            )
        )
    return findings


def check_values(setup: Setup) -> list[Finding]:
    """What a value holds that no credential does: quotes, line breaks, a placeholder."""
    findings = []
    for name in _used(setup.service, setup):
        found = _in_value(name, setup.value(name) or "")
        if found is not None:
            findings.append(found)
    return findings


def _used(service: Service, setup: Setup) -> tuple[str, ...]:
    if setup.mode == "pair":
        return service.pair
    return (setup.key_variable,) if setup.key_variable else ()


def _in_value(name: str, value: str) -> Finding | None:
    text = value.strip()
    again = f"Copy the key again, and set {name} without anything around it."
    if any(character in "\r\n" for character in text):
        return fail("key", "value_newline", f"{name} holds a line break in its middle", again)
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return fail(
            "key",
            "value_quotes",
            f"{name} holds quotation marks",
            "Remove them: an .env file, a Dockerfile and `set` on Windows take quotes as part of the value.",
        )
    if text.lower().startswith("bearer "):
        return fail(
            "key",
            "key_bearer_prefix",
            f'{name} begins with "Bearer "',
            "Leave the word out: it is added on the way.",
        )
    if _NOT_EXPANDED.fullmatch(text):
        return fail(
            "key",
            "value_not_expanded",
            f"{name} holds another variable's name, not its value",
            "Set the key itself.",
        )
    if _PLACEHOLDER.fullmatch(text):
        return fail(
            "key", "value_placeholder", f"{name} holds a placeholder, not a key", "Put your own key there."
        )
    if not (text.isascii() and text.isprintable()):
        return fail("key", "value_not_ascii", f"{name} holds a character that no key has (outside ASCII)", again)
    if re.search(r"\s", text):
        return fail("key", "value_whitespace", f"{name} holds a blank in its middle", again)
    if value != text:
        return warn(
            "key",
            "value_whitespace",
            f"{name} has white space or a line break around it, which is cut off here but not by every program",
            again,
        )
    return None
