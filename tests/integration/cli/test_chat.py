"""`volcark chat` and `volcark emulator`: answers on the standard output, all else on the standard error."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from langchain_volcark._version import __version__
from langchain_volcark.cli.main import main
from langchain_volcark.emulator import Emulator

MODEL = "doubao-seed-2-1-pro-260915"
COMMAND = [sys.executable, "-m", "langchain_volcark"]


@pytest.fixture
def ark(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """An emulator that the environment points at."""
    monkeypatch.setenv("ARK_API_KEY", emulator.api_key)
    monkeypatch.setenv("ARK_BASE_URL", emulator.ark_base_url)
    monkeypatch.setenv("ARK_MODEL", MODEL)
    return emulator


def type_in(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def roles(server: Emulator, request: int) -> list[str]:
    return [message["role"] for message in server.requests[request].json["messages"]]


# --- one question -----------------------------------------------------------------------------------------


def test_prints_the_answer_alone_on_the_standard_output(ark: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "Hello"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "You said: Hello\n"
    assert re.search(r"\n\d+ tokens in, \d+ out \(\d+ thinking\)\n$", printed.err)
    assert len(printed.err.splitlines()) == 2  # what it thought, and the usage


def test_thinking_and_the_system_text_reach_the_model(ark: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["chat", "你好", "--thinking", "disabled", "--system", "Be brief.", "--model", "glm-5-2-260617"]) == 0
    )
    body = ark.requests[0].json
    assert body["thinking"] == {"type": "disabled"}
    assert body["model"] == "glm-5-2-260617"
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert capsys.readouterr().out == "你说：你好\n"


def test_a_bot_answers(ark: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "常见的十字花科植物有哪些？", "--model", "bot-20250101000000-abcde"]) == 0
    assert ark.requests[0].path.endswith("/bots/chat/completions")
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("service", "path"),
    [("ark", "/api/v3"), ("qianfan", "/v2"), ("knowledge", "/api/knowledge")],
)
def test_the_emulator_answers_without_a_key(service: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "Hello", "--emulator", "--service", service]) == 0
    assert capsys.readouterr().out == "You said: Hello\n"


@pytest.mark.parametrize(
    ("model", "word", "sent"),
    [
        ("deepseek-v3.2", "enabled", {"thinking": {"type": "enabled"}}),
        ("qwen3-235b-a22b", "disabled", {"enable_thinking": False}),
    ],
)
def test_thinking_has_the_name_that_a_model_of_qianfan_wants(
    model: str, word: str, sent: dict[str, object], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QIANFAN_BEARER_TOKEN", emulator.qianfan_api_key)
    arguments = ["--service", "qianfan", "--base-url", emulator.qianfan_base_url, "--model", model]
    assert main(["chat", "Hello", *arguments, "--thinking", word]) == 0
    body = emulator.requests[0].json
    assert {name: body.get(name) for name in sent} == sent


def test_a_search_prints_its_sources_below_the_answer(ark: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "Search: how is broccoli grown?", "--search"]) == 0
    assert ark.requests[0].path.endswith("/responses")
    assert ark.requests[0].json["tools"] == [{"type": "web_search"}]
    assert ark.requests[0].json["store"] is False
    answer, source, address, _ = capsys.readouterr().out.splitlines()
    assert answer == "Broccoli is a cabbage grown for its green flower heads."
    assert source.startswith("[1] Growing broccoli in a cool spring (")
    assert address.strip() == "https://garden.example.com/broccoli"


def test_where_nothing_was_found_the_answer_stands_alone(
    ark: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chat", "Hello", "--search"]) == 0
    assert capsys.readouterr().out == "You said: Hello\n"


def test_every_turn_of_a_conversation_may_search(
    ark: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, "Search: how is broccoli grown?", "Search: the capital of Peru?")
    assert main(["chat", "--search", "--system", "Be brief."]) == 0
    printed = capsys.readouterr().out
    assert printed.index("garden.example.com") < printed.index("Lima") < printed.index("atlas.example.com")
    said = [item["role"] for item in ark.requests[1].json["input"] if item["type"] == "message"]
    assert said == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--service", "qianfan"],
        ["--service", "knowledge"],
        ["--model", "bot-20250101000000-abcde"],
    ],
)
def test_what_cannot_search_says_so(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "Hello", "--emulator", "--search", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "volcark: --search needs a model or endpoint of Ark.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--model ID, or ARK_MODEL=ID"),
        (["--model", MODEL, "--base-url", "ark.example.com"], "base_url must begin with https://"),
    ],
)
def test_what_cannot_be_called_is_refused_in_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chat", "Hello", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert says in printed.err


def test_a_failed_call_is_one_line_without_the_key(ark: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    said = f"no\nsuch account for {ark.api_key}"
    ark.fail_next(403, "AccountOverdueError", message=said)
    assert main(["chat", "Hello"]) == 1
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert printed.err.startswith("error: no such account for [redacted]")
    assert "AccountOverdueError" in printed.err


def test_a_stream_that_breaks_keeps_what_came_and_says_so(
    ark: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    ark.break_stream_after(30)
    assert main(["chat", "count to 500", "--thinking", "disabled"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("1 2 3")
    assert printed.out.endswith("\n")
    assert printed.err.startswith("error: ")
    assert len(printed.err.splitlines()) == 1


# --- conversations ----------------------------------------------------------------------------------------


def test_lines_are_turns_of_one_conversation(
    ark: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, "One", "", "Two", "/quit", "Three")
    assert main(["chat", "--system", "Be brief."]) == 0
    assert capsys.readouterr().out == "You said: One\nYou said: Two\n"
    assert roles(ark, 0) == ["system", "user"]
    assert roles(ark, 1) == ["system", "user", "assistant", "user"]
    assert ark.requests[1].json["messages"][2]["content"] == "You said: One"
    assert len(ark.requests) == 2


def test_a_conversation_can_be_forgotten(ark: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "One", "/reset", "Two")
    assert main(["chat", "--system", "Be brief."]) == 0
    assert roles(ark, 1) == ["system", "user"]


def test_a_failed_turn_is_not_remembered_and_does_not_end_the_conversation(
    ark: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, "One", "Two", "Three")
    ark.fail_next(400, "InvalidParameter")
    assert main(["chat"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "You said: Two\nYou said: Three\n"
    assert printed.err.count("error: ") == 1
    assert roles(ark, 1) == ["user"]
    assert roles(ark, 2) == ["user", "assistant", "user"]


def test_an_unknown_command_is_not_sent(
    ark: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, "/halp")
    assert main(["chat"]) == 0
    assert "/quit" in capsys.readouterr().err
    assert ark.requests == []


@pytest.fixture
def conversation(ark: Emulator) -> Iterator[subprocess.Popen[str]]:
    # A child of a shell's background job would ignore Ctrl-C from its start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*COMMAND, "chat", "--thinking", "disabled"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    with process:
        yield process
        process.kill()


def test_ctrl_c_stops_the_answer_and_not_the_program(ark: Emulator, conversation: subprocess.Popen[str]) -> None:
    assert conversation.stdin
    assert conversation.stdout
    ark.stall_stream_after(20, seconds=600)
    conversation.stdin.write("count to 500\n")
    conversation.stdin.flush()
    begun = conversation.stdout.read(4)
    conversation.send_signal(signal.SIGINT)
    assert ark.wait_for(lambda: ark.disconnects == 1, timeout=60)  # the service need not go on
    conversation.stdin.write("Hello\n")
    conversation.stdin.flush()
    out, err = conversation.communicate(timeout=60)
    assert conversation.returncode == 0
    assert (begun + out).startswith("1 2")
    assert out.endswith("\nYou said: Hello\n")
    assert err.startswith("(stopped)\n")
    assert "Traceback" not in err
    # What was read belongs to the conversation.
    assert roles(ark, 1) == ["user", "assistant", "user"]


def in_a_terminal(*lines: str, **variables: str) -> str:
    """What a person would see, who types these lines."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "chat"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **variables},
    ) as process:
        os.close(theirs)
        os.write(ours, "".join(f"{line}\n" for line in lines).encode())
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        assert process.wait(60) == 0
    return seen.decode()


def test_a_person_sees_thinking_dimmed(ark: Emulator) -> None:
    seen = in_a_terminal("Hello", "/quit")
    assert "You said: Hello\r\n" in seen
    assert re.search(r"\x1b\[2m\w", seen)
    assert re.search(r"\x1b\[2m\d+ tokens in", seen)


def test_no_colour_where_nobody_wants_it(ark: Emulator) -> None:
    seen = in_a_terminal("Hello", "/quit", NO_COLOR="1")
    assert "You said: Hello\r\n" in seen
    assert "\x1b[2m" not in seen


# --- the emulator, and what all commands share ------------------------------------------------------------


def test_emulator_is_the_same_as_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["emulator", "--port", port]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["emulator", "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: volcark emulator ")


@pytest.mark.parametrize(("arguments", "status"), [(["emulator"], 1), (["chat", "Hello", "--emulator"], 2)])
def test_without_the_extra_says_what_to_install(arguments: list[str], status: int) -> None:
    code = (
        "import sys; sys.modules['starlette'] = None; from langchain_volcark.cli.main import main; "
        f"sys.exit(main({arguments}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (status, "")
    assert ended.stderr == (
        'volcark: The emulator needs packages that are not installed: pip install "langchain-volcark[emulator]"\n'
    )


def test_the_command_alone_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    printed = capsys.readouterr().out
    assert all(command in printed for command in ("doctor", "chat", "emulator"))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"langchain-volcark {__version__}\n"


def test_help_costs_no_import_of_what_it_does_not_run() -> None:
    code = (
        "import sys; from langchain_volcark.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('langchain_core', 'httpx', 'pydantic') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.endswith("[]\n")


def test_a_reader_that_leaves_is_no_traceback(ark: Emulator) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m langchain_volcark chat "count to 10000" | head -c 20'],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout.startswith("1 2 3")
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
