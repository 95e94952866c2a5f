"""`register()`: the installed `langchain` creates our models by name, and other providers' as before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain.embeddings import base as embeddings_base
from langchain.embeddings import init_embeddings

from langchain_volcark import (
    ArkEmbeddings,
    ChatArk,
    ChatArkBot,
    ChatQianfan,
    ChatVikingKnowledge,
    QianfanEmbeddings,
    register,
)
from langchain_volcark.emulator import Emulator

MODEL = "doubao-seed-2-1-pro-260915"
OURS = {"volcengine", "qianfan", "vikingdb"}


pytestmark = pytest.mark.usefixtures("registries")


@pytest.fixture
def ark(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    monkeypatch.setenv("ARK_API_KEY", emulator.api_key)
    monkeypatch.setenv("ARK_BASE_URL", emulator.ark_base_url)
    return emulator


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"volcengine:{MODEL}", ChatArk),
        ("volcengine:ep-20250101000000-abcde", ChatArk),
        ("volcengine:bot-20250101000000-abcde", ChatArkBot),
        ("qianfan:ernie-5.1", ChatQianfan),
        ("vikingdb:Doubao-1-5-pro-32k", ChatVikingKnowledge),
        ("vikingdb:kb-service-demo", ChatVikingKnowledge),
    ],
)
def test_a_chat_model_by_name(name: str, kind: type) -> None:
    register()
    model = init_chat_model(name, temperature=0.5) if "kb-service" not in name else init_chat_model(name)
    assert type(model) is kind
    assert model.model_name == name.partition(":")[2]  # type: ignore[attr-defined]
    if "kb-service" in name:
        assert model.service_resource_id == "kb-service-demo"  # type: ignore[attr-defined]
    else:
        assert model.temperature == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize("provider", ["volcengine", "qianfan", "vikingdb"])
def test_the_provider_may_be_named_apart(provider: str) -> None:
    register()
    model = init_chat_model("some-model", model_provider=provider)
    assert model._get_ls_params()["ls_provider"] == provider


def test_the_model_answers(ark: Emulator) -> None:
    register()
    assert init_chat_model(f"volcengine:{MODEL}").invoke("Hello").text == "You said: Hello"


def test_an_agent_takes_the_name(ark: Emulator) -> None:
    def get_weather(city: str) -> str:
        """Weather of a city."""
        return f"Sunny in {city}."

    register()
    agent = create_agent(f"volcengine:{MODEL}", [get_weather])
    answer = agent.invoke({"messages": [("human", 'What is the weather in "Hangzhou"?')]})
    assert "Sunny in Hangzhou." in answer["messages"][-1].text


def test_a_configurable_model_changes_to_ours_per_call(ark: Emulator) -> None:
    register()
    model = init_chat_model(temperature=0)
    message = model.invoke("Hello", config={"configurable": {"model": f"volcengine:{MODEL}"}})
    assert message.response_metadata["model_provider"] == "volcengine"
    assert ark.requests[0].json["temperature"] == 0


def test_embeddings_by_name(ark: Emulator) -> None:
    register()
    model = init_embeddings("volcengine:doubao-embedding-vision-251215", dimensions=1024)
    assert type(model) is ArkEmbeddings
    direct = ArkEmbeddings(model="doubao-embedding-vision-251215", dimensions=1024)
    assert model.embed_query("花椰菜") == direct.embed_query("花椰菜")
    assert type(init_embeddings("bge-large-zh", provider="qianfan")) is QianfanEmbeddings


def test_registering_again_changes_nothing(registries: tuple[dict[str, Any], dict[str, Any]]) -> None:
    register()
    once = [dict(registry) for registry in registries]
    register()
    assert [dict(registry) for registry in registries] == once


def test_the_other_providers_stay_as_they_are(registries: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before = [dict(registry) for registry in registries]
    register()
    for registry, entries in zip(registries, before, strict=True):
        assert {name: entry for name, entry in registry.items() if name not in OURS} == entries


def test_nothing_is_registered_unasked() -> None:
    with pytest.raises(ValueError, match="model_provider"):
        init_chat_model(f"volcengine:{MODEL}")


def test_another_packages_provider_keeps_its_name(registries: tuple[dict[str, Any], dict[str, Any]]) -> None:
    theirs = ("langchain_elsewhere", "ChatElsewhere", lambda cls, **arguments: None)
    registries[1]["volcengine"] = theirs
    with pytest.raises(RuntimeError, match=r"langchain_elsewhere\.ChatElsewhere.*replace=True"):
        register()
    assert registries[1]["volcengine"] is theirs
    assert not OURS & registries[0].keys(), "half a registration"
    register(replace=True)
    assert type(init_embeddings("volcengine:doubao-embedding-vision-251215")) is ArkEmbeddings


def test_a_provider_that_was_used_before_it_was_replaced(
    registries: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    registries[0]["volcengine"] = (
        "langchain_core.language_models",
        "FakeListChatModel",
        lambda cls, **_: "theirs",
    )
    assert init_chat_model(f"volcengine:{MODEL}") == "theirs"  # type: ignore[comparison-overlap]
    register(replace=True)
    assert type(init_chat_model(f"volcengine:{MODEL}")) is ChatArk


@pytest.mark.parametrize("form", [None, {"openai"}, {"openai": "langchain_openai"}, {"openai": ("a", "b")}])
def test_a_langchain_that_keeps_its_providers_otherwise_is_left_alone(
    form: Any, monkeypatch: pytest.MonkeyPatch, registries: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """The forms of langchain 1.0 to 1.2, and forms to come."""
    if form is None:
        monkeypatch.delattr(embeddings_base, "_BUILTIN_PROVIDERS")
    else:
        monkeypatch.setattr(embeddings_base, "_BUILTIN_PROVIDERS", form)
    with pytest.raises(RuntimeError, match=r"langchain \d+\.\d+.* pip install .*ChatArk\(model"):
        register()
    assert not OURS & registries[0].keys(), "half a registration"


@pytest.mark.parametrize(
    ("absent", "says"),
    [
        ("langchain", 'ImportError: register() needs the package langchain: pip install "langchain>='),
        ("langchain.embeddings.base", "RuntimeError: langchain "),
    ],
)
def test_without_langchain_says_what_to_install(absent: str, says: str) -> None:
    code = f"import sys; sys.modules['{absent}'] = None; from langchain_volcark import register; register()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert says in ended.stderr.splitlines()[-1]


def test_the_example_runs_without_a_key() -> None:
    example = Path(__file__).parents[2] / "examples" / "by_name.py"
    ended = subprocess.run(
        [sys.executable, str(example)], capture_output=True, text=True, timeout=120, check=False, encoding="utf-8"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Sunny in Hangzhou." in ended.stdout
