"""The embedding examples, run in separate processes with their own emulator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from langchain_volcark.emulator import Emulator

REPOSITORY = Path(__file__).resolve().parents[3]

PAGES = {
    "vegetables.md": "# 蔬菜\n\n花椰菜又称菜花,是一种常见的十字花科蔬菜。\n",
    "lake.md": "# 西湖\n\n西湖在杭州,湖中有苏堤和白堤。\n",
    "deep/retries.md": "# Retries\n\nA request that hits a rate limit is retried with backoff.\n",
}


def run(script: str, *arguments: str | Path) -> str:
    command = [sys.executable, f"examples/{script}", *map(str, arguments)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A few real pages."""
    for name, text in PAGES.items():
        path = tmp_path / "pages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "pages"


def test_rag_retrieves_answers_and_cites(folder: Path, tmp_path: Path) -> None:
    output = run(
        "rag.py",
        "--folder",
        folder,
        "--store",
        tmp_path / "store",
        "--question",
        "西湖在哪里?",
        "How are requests retried?",
    )
    assert "3 added" in output
    assert re.findall(r"^\[1\] \S+ (\S+),", output, re.MULTILINE) == ["lake.md", "deep/retries.md"]
    assert "answer: 西湖在杭州,湖中有苏堤和白堤。[1]" in output
    assert re.findall(r"^cited: +(.*)$", output, re.MULTILINE) == ["[1] lake.md", "[1] deep/retries.md"]


def test_rag_indexes_this_repository(tmp_path: Path) -> None:
    """As `make demo` runs it: pages that tell of the emulator's own words must not trip over them."""
    output = run("rag.py", "--store", tmp_path / "store")
    added, answers = (
        re.search(r"^(\d+) added", output, re.MULTILINE),
        re.findall(r"^answer: .+", output, re.MULTILINE),
    )
    assert added
    assert int(added[1]) > 100
    assert answers


def test_rag_embeds_nothing_twice(folder: Path, tmp_path: Path) -> None:
    def embedded() -> tuple[str, int]:
        output = run("rag.py", "--folder", folder, "--store", tmp_path / "store", "--question", "西湖在哪里?")
        (counts,) = re.findall(r"^\d+ added.*$", output, re.MULTILINE)
        (number,) = re.findall(r"(\d+) texts were embedded", output)
        return counts, int(number)

    counts, first = embedded()
    assert counts == "3 added, 0 updated, 0 skipped, 0 deleted"
    assert first >= 4  # three pages, the question; the store may probe the length of vectors
    assert embedded() == ("0 added, 0 updated, 3 skipped, 0 deleted", 0)
    (folder / "lake.md").write_text("# 西湖\n\n西湖在浙江省杭州市。\n", encoding="utf-8")
    assert embedded() == ("1 added, 0 updated, 2 skipped, 1 deleted", 1)


def test_a_corpus_is_embedded_by_ray_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    output = tmp_path / "corpus"
    settings = ("--texts", "90", "--shard-size", "40", "--batch-size", "20", "--output", output)
    assert "90 vectors are in" in run("embed_corpus_ray.py", *settings)
    table = pq.read_table(output)
    assert sorted(table["id"].to_pylist()) == list(range(90))
    assert {len(vector) for vector in table["vector"].to_pylist()} == {1024}

    # A run that was stopped leaves a shard unfinished.
    (output / "shard-00001").rename(output / ".shard-00001.unfinished")
    again = run("embed_corpus_ray.py", *settings)
    assert again.count("is there already") == 2
    assert "90 vectors are in" in again
    assert "40 of them were embedded in this run" in again
    first = {row["id"]: row["vector"] for row in table.to_pylist()}
    assert {row["id"]: row["vector"] for row in pq.read_table(output).to_pylist()} == first


def test_a_corpus_in_batch_inference_goes_on_by_the_row(tmp_path: Path, emulator: Emulator) -> None:
    output = tmp_path / "corpus"
    command = [
        *(sys.executable, "examples/embed_corpus_ray.py", "--batch", "--texts", "90", "--shard-size", "40"),
        *("--batch-size", "20", "--output", str(output)),
    ]
    variables = {
        "ARK_API_KEY": emulator.api_key,
        "ARK_BASE_URL": emulator.ark_base_url,
        "ARK_MODEL": "not used",
        "ARK_BATCH_EMBEDDING_MODEL": "ep-bi-20260101000000-abcde",
    }
    emulator.fail_next(429, "QuotaExceeded", path="/batch/embeddings/multimodal")

    def embed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=REPOSITORY, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300
        )

    stopped = embed()
    assert stopped.returncode != 0
    assert "QuotaExceeded" in stopped.stderr
    finished = len(emulator.requests) - 1
    assert 0 < finished < 40
    journals = [path for path in output.glob(".*.journal/*.rows") if path.stat().st_size]
    with journals[0].open("ab") as journal:
        journal.write(b"a record that was cut off")
    again = embed()
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"{90 - finished} of them were embedded in this run" in again.stdout
    assert len(emulator.requests) == 90 + 1  # only the row that failed was sent again
    table = pq.read_table(output)
    assert sorted(table["id"].to_pylist()) == list(range(90))
    assert {len(vector) for vector in table["vector"].to_pylist()} == {1024}
    assert not list(output.glob(".*"))
