"""The environment's variables: what is set, what contradicts, what a value must not hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_volcark.cli.doctor.findings import Finding, fail, ok, warn

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


def check_variables(setup: Setup) -> list[Finding]:
    """Which credentials there are, and whether they contradict each other."""
    service = setup.service
    if setup.mode == "none":
        return [fail("environment", *_why_none(setup))]
    named = [name for name in (*service.keys, *service.pair) if setup.value(name)]
    sizes = ", ".join(f"{name} ({len((setup.value(name) or '').strip())} characters)" for name in named)
    used = setup.key_variable if setup.mode == "key" else " and ".join(service.pair)
    beside = "" if len(named) == 1 or (setup.mode == "pair" and len(named) == 2) else f"; used: {used}"
    findings = [ok("environment", f"{sizes}{beside}", set=named, used=used)]
    if len({(setup.value(name) or "").strip() for name in service.keys if setup.value(name)}) > 1:
        said = f"{' and '.join(service.keys)} hold different keys; {setup.key_variable} is used"
        findings.append(warn("environment", "keys_contradict", said, "Unset one of them."))
    if half := _half(setup):
        said, advice = (
            f"{half[0]} is set without {half[1]}; it is not used",
            f"Set {half[1]} too, or unset {half[0]}.",
        )
        findings.append(warn("environment", "pair_incomplete", said, advice))
    return findings


def _half(setup: Setup) -> tuple[str, str] | None:
    """Of a pair with one half missing, the half that is set and the other."""
    access, secret = setup.service.pair
    if bool(setup.value(access)) == bool(setup.value(secret)):
        return None
    return (access, secret) if setup.value(access) else (secret, access)


def _why_none(setup: Setup) -> tuple[str, str, str]:
    """Fault, message and advice where there are no credentials."""
    service = setup.service
    for right in (*service.keys, *service.pair):
        for wrong in _MISSPELT.get(right, "").split():
            if setup.value(wrong) and not setup.value(right):
                said = f"no credentials: {wrong} is set, but the variable is {right}"
                return "variable_misspelt", said, f"Set {right}."
    if half := _half(setup):
        advice = f"Set {half[1]} too: the two belong together."
        return "pair_incomplete", f"{half[0]} is set, and {half[1]} is not", advice
    how = f'Create one at {service.console}, then: export {service.keys[0]}="…" (or {" and ".join(service.pair)}).'
    if service.name == "qianfan" and any(setup.value(name) for name in _V1_ONLY):
        said = (
            "only credentials of Qianfan's V1 are set (QIANFAN_AK, QIANFAN_SK), whose service ended on 2026-08-31"
        )
        return "v1_credentials", said, f"Create an API key at {service.console} and set QIANFAN_BEARER_TOKEN."
    blank = [name for name in (*service.keys, *service.pair) if name in setup.environment]
    said = f"{blank[0]} is set, but empty" if blank else f"{service.keys[0]} is not set"
    return "key_missing", f"no credentials: {said}", how


def check_values(setup: Setup) -> list[Finding]:
    """What a value holds that no credential does: quotes, line breaks, a placeholder."""
    names = setup.service.pair if setup.mode == "pair" else (setup.key_variable,) if setup.key_variable else ()
    found = (_in_value(name, setup.value(name) or "") for name in names)
    return [finding for finding in found if finding is not None]


def _in_value(name: str, value: str) -> Finding | None:
    text = value.strip()
    again = f"Copy the key again, and set {name} without anything around it."
    unquote = "Remove them: an .env file, a Dockerfile and `set` on Windows take quotes as part of the value."
    for is_so, fault, said, advice in (
        (re.search(r"[\r\n]", text), "value_newline", "holds a line break in its middle", again),
        (text[0] in _QUOTES or text[-1] in _QUOTES, "value_quotes", "holds quotation marks", unquote),
        (
            text.lower().startswith("bearer "),
            "key_bearer_prefix",
            'begins with "Bearer "',
            "Leave the word out: it is added on the way.",
        ),
        (
            _NOT_EXPANDED.fullmatch(text),
            "value_not_expanded",
            "holds another variable's name, not its value",
            "Set the key itself.",
        ),
        (
            _PLACEHOLDER.fullmatch(text),
            "value_placeholder",
            "holds a placeholder, not a key",
            "Put your own key there.",
        ),
        (
            not (text.isascii() and text.isprintable()),
            "value_not_ascii",
            "holds a character that no key has (outside ASCII)",
            again,
        ),
        (re.search(r"\s", text), "value_whitespace", "holds a blank in its middle", again),
    ):
        if is_so:
            return fail("key", fault, f"{name} {said}", advice)
    if value != text:
        said = f"{name} has white space or a line break around it, which is cut off here but not by every program"
        return warn("key", "value_whitespace", said, again)
    return None
