"""The benchmarks run and report; speed is not tested here."""

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
BOUND_MISSED = 3


def test_short_run_prints_a_table_and_writes_the_ratios(tmp_path: Path) -> None:
    figures, picture = tmp_path / "run.json", tmp_path / "run.svg"
    what = ["--short", "--repeats", "2", "--only", "invoke", "stream"]

    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *what, "--json", figures, "--plot", picture],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode in {0, BOUND_MISSED}, run.stderr
    assert run.stderr == ""
    document = json.loads(figures.read_text(encoding="utf-8"))
    rows = {(row["case"], row["contender"]): row for row in document["rows"]}
    for case in ("invoke", "stream", "v3"):
        assert f"{case}: " in run.stdout
        assert rows[case, "raw httpx"]["ratio_to_raw"]["median"] == 1
        for contender in ("langchain-core", "ChatArk"):
            ratio = rows[case, contender]["ratio_to_raw"]
            assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"]
            assert f"  {contender} " in run.stdout
    assert {limit["case"] for limit in document["limits"]} == {"invoke", "stream", "v3"}
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_the_responses_api_is_measured_beside_raw_httpx(tmp_path: Path) -> None:
    figures = tmp_path / "run.json"
    cases = ["responses_invoke", "responses_ainvoke", "responses_stream", "responses_astream"]

    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--short", "--repeats", "1", "--only", *cases, "--json", figures],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode == 0, run.stderr
    document = json.loads(figures.read_text("utf-8"))
    rows = {(row["case"], row["contender"]): row for row in document["rows"]}
    for case in cases:
        assert rows[case, "raw httpx"]["ratio_to_raw"]["median"] == 1
        assert rows[case, "ChatArk"]["ratio_to_raw"]["median"] > 0
        assert not rows[case, "ChatArk"]["failures"]
    assert {limit["case"] for limit in document["limits"]} == set(cases)


def test_embeddings_are_measured_beside_raw_httpx(tmp_path: Path) -> None:
    figures = tmp_path / "run.json"
    what = ["--short", "--repeats", "1", "--only", "embed_64", "embed_multimodal"]

    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *what, "--json", figures],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode in {0, BOUND_MISSED}, run.stderr
    rows = {(row["case"], row["contender"]): row for row in json.loads(figures.read_text("utf-8"))["rows"]}
    for case in ("embed_64", "embed_multimodal"):
        assert rows[case, "raw httpx"]["ratio_to_raw"]["median"] == 1
        assert rows[case, "ArkEmbeddings"]["ratio_to_raw"]["median"] > 0
        assert "  ArkEmbeddings " in run.stdout


def test_streams_open_at_once_are_measured_over_every_pool() -> None:
    from benchmarks import scale, server
    from benchmarks.measure import Bench, take_turns

    case = scale.ScaleCase("streams_20", 20, in_short=True, rounds=1)
    with server.running() as origin, contextlib.closing(asyncio.new_event_loop()) as loop:
        results = take_turns(case.tasks(Bench(origin, loop, (), 1, True)))
    there = {name for name in scale.BUILD if name not in scale.missing()}
    assert {scale.POOL, scale.ARK, scale.RAW} <= there
    assert {key for key, (sample,) in results.items() if sample.value > 0} == {(case.name, name) for name in there}
