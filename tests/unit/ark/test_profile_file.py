"""The profiles where LangChain's tools look for them: in their form, with the facts of the package's own table."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_model_profiles import cli as profiles_tool

import langchain_volcark
from langchain_volcark import ChatArk
from langchain_volcark.ark.model_ids import CURRENT, RETIRING
from langchain_volcark.ark.profiles import find_model

FILE = Path(langchain_volcark.__file__).parent / "data" / "_profiles.py"


def load(path: Path) -> dict[str, dict[str, Any]]:
    """Read a file of profiles as tools do, from its place on disk."""
    spec = importlib.util.spec_from_file_location("somewhere.data._profiles", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    profiles: dict[str, dict[str, Any]] = module._PROFILES
    return profiles


def test_each_profile_is_the_models_own() -> None:
    profiles = load(FILE)
    assert set(profiles) == {*CURRENT, *RETIRING}
    for model, profile in profiles.items():
        facts = {name: value for name, value in profile.items() if name != "status"}
        assert facts == ChatArk(model=model).profile
        assert profile.get("status") == ("deprecated" if model in RETIRING else None)


def test_no_id_is_listed_twice() -> None:
    assert len({*CURRENT, *RETIRING}) == len(CURRENT) + len(RETIRING)


@pytest.mark.parametrize("model", [*CURRENT, *RETIRING])
def test_every_listed_id_has_a_row(model: str) -> None:
    assert find_model(model) is not None


def test_the_ecosystems_tool_would_write_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fed with our profiles as augmentations, it writes ours: same keys (it warns of others), same order, same types."""
    ours = load(FILE)
    tables = [
        f"[overrides.{json.dumps(model)}]\n"
        + "".join(f"{name} = {json.dumps(value)}\n" for name, value in profile.items())
        for model, profile in ours.items()
    ]
    (tmp_path / "profile_augmentations.toml").write_text("\n".join(tables))
    catalogue = httpx.Response(
        200, json={"volcengine": {"models": {}}}, request=httpx.Request("GET", "https://models.dev/api.json")
    )
    monkeypatch.setattr(profiles_tool.httpx, "get", lambda url, timeout: catalogue)
    monkeypatch.chdir(tmp_path)
    profiles_tool.refresh("volcengine", tmp_path)
    written = load(tmp_path / "_profiles.py")
    assert written == ours
    assert list(written) == list(ours)


def test_a_list_of_models_costs_no_import_of_langchain() -> None:
    code = (
        "import sys; from langchain_volcark.data._profiles import _PROFILES; "
        "print(len(_PROFILES) > 20, [m for m in ('langchain_core', 'httpx', 'pydantic') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "True []"
