"""An address from the environment is read like one that is passed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from langchain_volcark import ArkEmbeddings, ChatArk, ChatArkBot

BASE = "https://gateway.example.com/api/v3"


@pytest.mark.parametrize("end", ["", "/", "/chat/completions", "/chat/completions/"])
@pytest.mark.parametrize("kind", [ChatArk, ChatArkBot, ArkEmbeddings])
def test_a_pasted_address_is_normalised(kind: type, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARK_BASE_URL", f" {BASE}{end}")
    assert kind(model="m").base_url == kind(model="m", base_url=f"{BASE}{end}").base_url == BASE


def test_an_address_without_a_scheme_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARK_BASE_URL", "gateway.example.com/api/v3")
    with pytest.raises(ValidationError, match="base_url must begin with https://"):
        ChatArk(model="m")
