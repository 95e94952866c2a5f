"""The notebooks run from top to bottom, and what is kept of them is fit to be read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SUBJECTS = (
    "01_chat_and_streaming",
    "02_tools_and_agents",
    "03_structured_output",
    "04_bots_and_references",
    "05_embeddings_and_rag",
    "06_images_and_video",
    "07_qianfan",
    "08_knowledge_base",
    "09_production",
    "10_responses",
    "11_files_images_video",
)
PLOTS = {"01": 1, "05": 2, "06": 2, "07": 1, "08": 1, "09": 2, "10": 1, "11": 8}
# Where somebody's files are, or which port was free: true on one machine for one run.
OF_ONE_MACHINE = re.compile(
    r"/(?:home|root|Users|tmp|var|work|private)/|[A-Z]:\\Users|(?:127\.0\.0\.1|localhost):\d+"
)
LINK = re.compile(r"\]\((\w+\.ipynb)\)")

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

Cell = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: Cell) -> str:
    return "".join(cell["source"])


def code_cells(path: Path) -> list[Cell]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def texts(output: dict[str, Any]) -> list[str]:
    """What a reader reads of an output; pictures are none of it."""
    if output["output_type"] == "stream":
        return ["".join(output["text"])]
    return ["".join(text) for kind, text in output["data"].items() if not kind.startswith("image/")]


def kinds(path: Path) -> list[list[str]]:
    """For each code cell, what its outputs are."""
    return [
        ["+".join(sorted(output.get("data", {"text": None}))) for output in cell["outputs"]]
        for cell in code_cells(path)
    ]


def check_outputs(path: Path) -> None:
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    assert outputs, f"{path.name} has no outputs: make notebooks"
    for output in outputs:
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr", f"a warning stands in {path.name}: {output['text']}"
        for text in texts(output):
            assert not OF_ONE_MACHINE.search(text)
    images = sum("image/png" in output.get("data", {}) for output in outputs)
    assert images >= PLOTS.get(path.stem[:2], 0)


def test_there_is_a_notebook_for_each_subject() -> None:
    assert tuple(path.stem for path in NOTEBOOKS) == SUBJECTS


@each
def test_it_runs_from_top_to_bottom_and_leaves_the_tree_alone(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIKING_", "VIDEO_"))}
    done = subprocess.run(
        [sys.executable, "scripts/notebooks.py", str(path), "--output", str(tmp_path)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    executed = tmp_path / path.name
    check_outputs(executed)
    assert path.read_bytes() == before
    assert [source(cell) for cell in code_cells(executed)] == [source(cell) for cell in code_cells(path)]
    assert kinds(executed) == kinds(path), f"the outputs kept in {path.name} are of other code: make notebooks"


@each
def test_its_outputs_are_kept_and_were_made_in_one_run(path: Path) -> None:
    check_outputs(path)
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@each
def test_nothing_of_the_run_s_time_and_machine_stands_in_its_metadata(path: Path) -> None:
    notebook = read(path)
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell["metadata"] == {} for cell in notebook["cells"])


@each
def test_it_begins_with_its_title_and_the_cell_that_all_begin_with(path: Path) -> None:
    title, first, *rest = read(path)["cells"]
    assert title["cell_type"] == "markdown"
    assert source(title).startswith(f"# {int(path.stem[:2])} · ")
    assert "emulator" in source(title)
    assert first["cell_type"] == "code"
    assert source(first) == source(code_cells(NOTEBOOKS[0])[0])
    assert rest


def test_the_first_cell_gives_way_to_a_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARK_API_KEY", "a-key")
    cell = source(code_cells(NOTEBOOKS[0])[0])
    names: dict[str, Any] = {}
    exec(compile(cell, "the first cell", "exec"), names)
    try:
        assert names["ark"] == {}
        assert names["qianfan"]["base_url"] == names["server"].qianfan_base_url
        assert names["knowledge"]["base_url"] == names["server"].knowledge_base_url
    finally:
        names["server"].stop()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ARK_API_KEY: set, so your own account"
    assert said[1] == "QIANFAN_BEARER_TOKEN: not set, so the emulator"


@each
def test_its_links_lead_to_notebooks_that_exist(path: Path) -> None:
    for cell in read(path)["cells"]:
        for target in LINK.findall(source(cell)):
            assert (FOLDER / target).is_file()


@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_their_code_is_written_as_the_house_writes(check: list[str]) -> None:
    command = [sys.executable, "-m", "ruff", *check, "--no-cache", "notebooks"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
