"""The live tests run, are skipped where they must be, and recording works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.recording import Recording
from tests.live.replay import outcome
from tests.live.scenes import SCENES

ROOT = Path(__file__).parents[3]
_HIDDEN = ("ARK_", "VOLC_", "QIANFAN_", "VIKING_", "PYTEST_", "COV_")


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run pytest on the live tests, without this process's keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN) and name != "CI"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, timeout=900, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """The tests of uncertain facts and the recordings, all against the emulator."""
    folder = tmp_path_factory.mktemp("recorded")
    status, output = run("--live=emulator", "--record", str(folder), "-k", "uncertain or record", "tests/live")
    return folder, status, output


def test_every_live_test_runs_against_the_emulator(recorded: tuple[Path, int, str]) -> None:
    _, status, output = recorded
    assert status == 0, output
    passed = re.search(r"(\d+) passed", output)
    assert passed
    assert int(passed[1]) > 150
    assert "failed" not in output


def test_every_scene_was_recorded_and_plays_back_the_same(recorded: tuple[Path, int, str]) -> None:
    folder, _, output = recorded
    assert {path.stem for path in folder.glob("*.json")} == set(SCENES), output
    for name in ("ark_tool_calls_stream", "qianfan_search_stream", "knowledge_search", "ark_wrong_key"):
        recording = Recording.load(folder / f"{name}.json")
        assert recording.source == "emulator"
        assert recording.exchanges
        assert outcome(recording) == recording.outcome


def test_a_recording_holds_no_key_of_its_service(recorded: tuple[Path, int, str]) -> None:
    for path in recorded[0].glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"emulator-[0-9a-f]{32}|AKLT|ALTAK|kb-key-|Bearer|authorization|cookie", text, re.IGNORECASE
        )
        assert not re.search(r'"02\d{13}', text)


def test_without_their_variables_they_are_skipped_and_say_which() -> None:
    status, output = run("--live=services", "tests/live/test_uncertain_knowledge.py", "tests/live/test_record.py")
    assert status == 0, output
    assert "passed" not in output
    assert "set VOLC_ACCESSKEY to run this against the real service" in output


def test_without_the_option_they_are_not_collected_and_say_how() -> None:
    status, output = run("tests/live/test_uncertain_knowledge.py")
    assert status == 4, output
    assert "passed" not in output
    assert "run `make test-live`" in output


def test_never_in_ci() -> None:
    status, output = run("--live=services", "tests/live/test_uncertain_knowledge.py", CI="true", ARK_API_KEY="key")
    assert status != 0
    assert "do not run in CI" in output


def test_what_the_emulator_said_is_not_kept_among_the_services_words() -> None:
    fixtures = ROOT / "tests" / "live" / "fixtures"
    before = sorted(fixtures.iterdir())
    status, output = run(
        "--live=emulator", "--record", str(fixtures), "tests/live/test_record.py::test_record[ark_chat]"
    )
    assert status == 1
    assert "must not stand where the services' words stand" in output
    assert sorted(fixtures.iterdir()) == before
