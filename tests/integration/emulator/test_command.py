"""The emulator from a shell, and without its dependencies."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

COMMAND = [sys.executable, "-m", "langchain_volcark.emulator"]


@pytest.fixture
def command() -> Iterator["subprocess.Popen[str]"]:
    # Started like a shell's background job, which ignores SIGINT from its start.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen(
        [*COMMAND, "--api-key", "secret"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, before)
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_where_it_is_and_runs_until_told_to_stop(
    command: "subprocess.Popen[str]", end: signal.Signals
) -> None:
    assert command.stdout
    printed = "".join(command.stdout.readline() for _ in range(5))
    settings = dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
    assert set(settings) >= {"ARK_BASE_URL", "ARK_API_KEY", "VOLC_ACCESSKEY", "VOLC_SECRETKEY"}
    assert settings["ARK_API_KEY"] == "secret"
    reply = httpx.get(f"{settings['ARK_BASE_URL']}/models", headers={"Authorization": "Bearer secret"})
    assert reply.status_code == 200
    command.send_signal(end)
    _, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (0, "")


def test_a_second_signal_does_not_disturb_the_end(command: "subprocess.Popen[str]") -> None:
    assert command.stdout
    command.stdout.readline()
    # Held still meanwhile, so that both are there when it goes on.
    for end in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
        command.send_signal(end)
    _, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (0, "")


def test_command_says_when_the_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("absent", ["starlette", "uvicorn", "python_multipart", "PIL"])
def test_import_without_the_extra_says_what_to_install(absent: str) -> None:
    code = f"import sys; sys.modules['{absent}'] = None; import langchain_volcark.emulator"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "ImportError: The emulator needs packages that are not installed" in ended.stderr
    assert 'pip install "langchain-volcark[emulator]"' in ended.stderr


def test_emulator_shares_no_code_with_the_client() -> None:
    code = (
        "import sys, langchain_volcark.emulator as e\n"
        "ours = [m for m in sys.modules if m.startswith('langchain_volcark.') and not m.startswith(e.__name__)]\n"
        "print([m for m in ours if m != 'langchain_volcark._version'], 'httpx' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "[] False"
