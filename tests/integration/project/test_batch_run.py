"""A run of batch inference that is killed and started again: nothing is lost, and no finished row is paid twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_after_a_kill_no_finished_row_is_sent_again_and_memory_stays_flat() -> None:
    done = run("-m", "benchmarks.batch", "--rows", "3000", "--concurrency", "50")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Each row was answered once." in done.stdout
    killed = re.search(r"killed with ([\d,]+) rows finished; of these sent again: 0", done.stdout)
    assert killed is not None
    assert 1500 <= int(killed[1].replace(",", "")) < 3000
    client = {
        label.strip(): float(memory)
        for label, memory in re.findall(r"^  (.+?) +([\d.]+) MB", done.stdout, re.MULTILINE)
    }
    assert client["half"] < client["begin"] + 20
    assert client["end"] < client["three quarters"] + 20


def test_a_run_goes_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    output = tmp_path / "answers.jsonl"
    output.write_text('{"id": "row-1", "answer": "kept"}\n{"id": "row-2", "ans', encoding="utf-8")
    done = run("examples/batch_overnight.py", "--rows", "5", "--output", output)
    assert "1 rows are finished already" in done.stdout
    assert "4 rows were answered in this run, 0 failed" in done.stdout
    answers = {line["id"]: line["answer"] for line in map(json.loads, output.read_text("utf-8").splitlines())}
    assert sorted(answers) == [f"row-{number}" for number in range(5)]
    assert answers["row-1"] == "kept"


def test_rows_of_a_file_are_sent_and_failures_have_no_line(tmp_path: Path) -> None:
    rows, output = tmp_path / "rows.jsonl", tmp_path / "answers.jsonl"
    prompts = {"a": "Hello", "b": "EMULATOR_SENSITIVE_INPUT", "c": "你好"}
    rows.write_text("".join(json.dumps({"id": row, "prompt": prompt}) + "\n" for row, prompt in prompts.items()))
    done = run("examples/batch_overnight.py", "--input", rows, "--output", output)
    assert "b: ContentFilterError" in done.stdout
    assert "2 rows were answered in this run, 1 failed" in done.stdout
    assert {json.loads(line)["id"] for line in output.read_text("utf-8").splitlines()} == {"a", "c"}
