"""What the doctor detects in values without a request, and that it never prints them."""

from __future__ import annotations

import io
import re
from importlib.resources import files
from typing import Any

import pytest

from langchain_volcark.cli.doctor.findings import fault, shown
from langchain_volcark.cli.doctor.settings import check_address, check_form, check_values, check_variables
from langchain_volcark.cli.services import SERVICES, ServiceName, Setup
from langchain_volcark.cli.terminal import Redactor, Style, one_line

KEY = "0123456789-abcdef"
ARK = "https://ark.cn-beijing.volces.com/api/v3"


def setup(service: ServiceName = "ark", base: str | None = None, **variables: str) -> Setup:
    return Setup(SERVICES[service], environment=variables, base=base)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (KEY, None),
        ("6f1d0c1e-7f1a-4c7e-9a53-0d6d3c8a1b2c", None),
        (f" {KEY}", "value_whitespace"),
        (f"{KEY}\r\n", "value_whitespace"),
        ("01234 56789", "value_whitespace"),
        ("01234\n56789", "value_newline"),
        (f"'{KEY}'", "value_quotes"),
        (f"“{KEY}”", "value_quotes"),
        (f'{KEY}"', "value_quotes"),
        (f"bearer {KEY}", "key_bearer_prefix"),
        ("$ARK_API_KEY", "value_not_expanded"),
        ("%ARK_API_KEY%", "value_not_expanded"),
        ("<your key>", "value_placeholder"),
        ("YOUR_ARK_API_KEY", "value_placeholder"),
        ("my-key", "value_placeholder"),
        ("xxxxxxxx-xxxx", "value_placeholder"),
        ("sk-xxxx", "value_placeholder"),
        ("…", "value_placeholder"),
        ("你的API_KEY", "value_placeholder"),
        ("0123\u200b4567", "value_not_ascii"),
    ],
)
def test_values(value: str, fault: str | None) -> None:
    found = check_values(setup(ARK_API_KEY=value))
    assert [finding.fault for finding in found] == ([fault] if fault else [])
    assert not any(value.strip(" \n\r'\"“”") in finding.message for finding in found)


@pytest.mark.parametrize(
    ("service", "variables", "fault"),
    [
        ("ark", {"ARK_API_KEY": "sk-0123456789abcdef"}, "key_of_another_service"),
        ("ark", {"ARK_API_KEY": "AKLT0123456789"}, "access_key_as_api_key"),
        ("ark", {"ARK_API_KEY": "bot-2025"}, "id_as_key"),
        ("ark", {"VOLC_ACCESSKEY": "ALTAK0123", "VOLC_SECRETKEY": KEY}, "key_of_another_service"),
        ("ark", {"VOLC_ACCESSKEY": "AKLT0123", "VOLC_SECRETKEY": "AKLT0123"}, "pair_swapped"),
        ("qianfan", {"QIANFAN_API_KEY": KEY}, "key_form"),
        ("qianfan", {"QIANFAN_API_KEY": "bce-v3/ALTAK-half"}, "key_form"),
        ("qianfan", {"QIANFAN_API_KEY": "ALTAK0123"}, "key_of_another_service"),
        ("qianfan", {"QIANFAN_API_KEY": "24.0123.2592000"}, "key_of_another_service"),
        ("qianfan", {"QIANFAN_API_KEY": "bce-v3/ALTAK-0123/4567"}, None),
        ("knowledge", {"VOLC_ACCESSKEY": "AKLT0123", "VOLC_SECRETKEY": KEY}, None),
    ],
)
def test_forms(service: ServiceName, variables: dict[str, str], fault: str | None) -> None:
    (found,) = check_form(setup(service, **variables))
    assert found.fault == fault


def test_a_gateway_of_ones_own_may_have_keys_of_any_form() -> None:
    (found,) = check_form(setup(base="https://gateway.example.com/v1", ARK_API_KEY="sk-0123456789abcdef"))
    assert found.fault is None


@pytest.mark.parametrize(
    ("service", "url", "fault"),
    [
        ("ark", ARK, None),
        ("ark", f"{ARK}/", None),
        ("ark", "https://ark.cn-beijing.volces.com/api/coding/v3", None),
        ("ark", "https://ark.ap-southeast.bytepluses.com/api/v3", None),
        ("ark", "http://127.0.0.1:8080/api/v3", None),
        ("ark", "http://[::1]:8080/api/v3", None),
        ("ark", f"{ARK}/chat/completions", "base_url_endpoint_pasted"),
        ("ark", f"{ARK}/bots/chat/completions", "base_url_endpoint_pasted"),
        ("ark", "https://ark.cn-beijing.volces.com/api", "base_url_path"),
        ("ark", "https://ark.cn-beijing.volces.com/v3/chat/completions", "base_url_path"),
        ("ark", "https://ark.cn-beijing.volces.com/api/coding", "base_url_path"),
        ("ark", f'"{ARK}"', "base_url_quotes"),
        ("ark", f"{ARK}?key=1", "base_url_query"),
        ("ark", "", "base_url_empty"),
        ("ark", "https://", "base_url_form"),
        ("ark", "https://ark.cn-beijing.volces.com:api/v3", "base_url_form"),
        ("ark", "ftp://ark.cn-beijing.volces.com/api/v3", "base_url_scheme"),
        ("ark", "https://ark.cn-beijing.volces.con/api/v3", "base_url_typo"),
        ("ark", "https://ark.cn-beijing.bytepluses.com/api/v3", "base_url_region"),
        ("ark", "https://open.volcengineapi.com", "base_url_control_plane"),
        ("ark", "https://aip.baidubce.com/rpc/2.0", "base_url_v1"),
        ("ark", "https://user:canary@gateway.example.com/v1", "base_url_userinfo"),
        ("qianfan", "https://qianfan.baidubce.com/v2", None),
        ("qianfan", "https://qianfan.baidubce.com", "base_url_path"),
        ("qianfan", "https://console.bce.baidu.com/qianfan", "base_url_console"),
        ("knowledge", "https://api-knowledgebase.mlp.cn-beijing.volces.com", None),
        ("knowledge", "https://api-knowledgebase.mlp.cn-beijing.volces.com/api", "base_url_path"),
        ("knowledge", "https://api-knowledgebase.mlp.cn-shanghai.volces.com", "base_url_region"),
        ("knowledge", ARK, "base_url_other_service"),
    ],
)
def test_addresses(service: ServiceName, url: str, fault: str | None) -> None:
    (found,) = check_address(setup(service, base=url))
    assert found.fault == fault
    assert "canary" not in found.message + found.advice


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (f"{ARK}?access_token=canary", ARK),
        ("https://user:canary@example.com/v1", "https://example.com/v1"),
        ("ark.cn-beijing.volces.com/api/v3", "ark.cn-beijing.volces.com/api/v3"),
        ("6f1d0c1e-7f1a-4c7e-9a53-0d6d3c8a1b2c", "(36 characters, no address)"),
        ("bce-v3/ALTAK-0123/4567", "(22 characters, no address)"),
        (" ", "(empty)"),
    ],
)
def test_a_key_in_the_place_of_an_address_is_not_shown(url: str, text: str) -> None:
    assert shown(url) == text


@pytest.mark.parametrize(
    ("service", "variables", "mode", "faults"),
    [
        ("ark", {"ARK_API_KEY": KEY}, "key", []),
        ("ark", {"ARK_API_KEY": KEY, "VOLC_ACCESSKEY": "AKLT0", "VOLC_SECRETKEY": KEY}, "key", []),
        ("ark", {"ARK_API_KEY": KEY, "VOLC_ACCESSKEY": "AKLT0"}, "key", ["pair_incomplete"]),
        ("ark", {"VOLC_ACCESSKEY": "AKLT0", "VOLC_SECRETKEY": KEY}, "pair", []),
        ("ark", {"ARK_API_KEY": "  "}, "none", ["key_missing"]),
        ("ark", {"VOLC_ACCESS_KEY": "AKLT0"}, "none", ["variable_misspelt"]),
        ("qianfan", {"BAIDU_QIANFAN_API_KEY": KEY}, "none", ["variable_misspelt"]),
        ("qianfan", {"QIANFAN_BEARER_TOKEN": KEY, "QIANFAN_API_KEY": "other"}, "key", ["keys_contradict"]),
        ("qianfan", {"QIANFAN_ACCESS_TOKEN": "24.0"}, "none", ["v1_credentials"]),
        ("knowledge", {"VOLC_KNOWLEDGE_API_KEY": KEY, "VOLC_ACCESSKEY": "A", "VOLC_SECRETKEY": KEY}, "pair", []),
    ],
)
def test_variables(service: ServiceName, variables: dict[str, str], mode: str, faults: list[str]) -> None:
    one = setup(service, **variables)
    found = check_variables(one)
    assert one.mode == mode
    assert [finding.fault for finding in found if finding.fault] == faults
    assert KEY not in "".join(finding.message + finding.advice for finding in found)


class Anything:
    """Stands for whatever a check gives to a text."""

    def __getattr__(self, name: str) -> Anything:
        return self

    def __getitem__(self, place: Any) -> Anything:
        return self

    def __str__(self) -> str:
        return "something"


@pytest.mark.parametrize("service", SERVICES)
def test_every_text_can_be_printed_and_every_pattern_compiles(service: ServiceName) -> None:
    table = (files("langchain_volcark.cli.doctor") / "findings.ini").read_text("utf-8")
    lines = dict(re.findall(r"^([\w.]+)\?? = (.*)$", table, re.MULTILINE))
    assert len(lines) > 70
    for name, line in lines.items():
        given = {each: Anything() for each in re.findall(r"\{([a-z]+)", line)}
        finding = fault(setup(service), name, **given)
        assert finding.message
        assert finding.fault == name.partition(".")[0]
        assert finding.status in ("warn", "fail")
        re.compile("".join(line.split(" | ", 2)[2:]))


def test_redaction_knows_a_secrets_other_spellings() -> None:
    key = "bce-v3/ALTAK-0123/456789"
    redactor = Redactor(
        {"QIANFAN_API_KEY": f'"Bearer {key}\n"', "ARK_API_KEY": "01234\n56789", "HOME": "/home/me"}
    )
    for text in (key, f"Bearer {key}", "ALTAK-0123", "456789", "01234", r"01234\n56789"):
        assert "ALTAK" not in redactor.text(text)
        assert "[redacted]" in redactor.text(text)
    assert redactor.text("http://user:canary@proxy:3128 in /home/me") == "http://[redacted]@proxy:3128 in /home/me"
    assert redactor.data({"a": [key, 1, None]}) == {"a": ["[redacted]", 1, None]}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "variables", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_only_on_a_terminal_that_wants_them(
    stream: io.StringIO, variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Style(stream).paint("text", "red") == ("\x1b[31mtext\x1b[0m" if coloured else "text")


def test_an_exception_is_one_line() -> None:
    from langchain_volcark import ChatArk

    with pytest.raises(ValueError, match="temperature") as raised:
        ChatArk(model="m", temperature=9)
    assert one_line(raised.value) == "temperature must be between 0 and 2, not 9"
    assert one_line("a\n b") == "a b"
    assert one_line(KeyError()) == "KeyError"
