"""Facts about a release that several files contain are the same in all of them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

import langchain_volcark

ROOT = Path(__file__).parents[3]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
VERSIONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path: Path) -> list[str]:
    jobs = read_yaml(path)["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_the_pythons_promised_are_those_that_ci_runs() -> None:
    jobs = read_yaml(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert [jobs[name]["strategy"]["matrix"]["python"] for name in ("check", "lowest")] == [VERSIONS, VERSIONS]
    assert f'requires-python = ">={VERSIONS[0]}"' in PYPROJECT
    assert runpy.run_path(str(ROOT / "scripts" / "matrix.py"))["supported_versions"]() == VERSIONS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_targets_that_exist_with_no_more_rights_than_they_need(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for command in steps(path):
        for target in re.findall(r"^make ([a-z-]+)", command, re.MULTILINE):
            assert target in targets
    workflow = read_yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_ci_runs_what_the_command_for_ci_runs() -> None:
    assert ".ci/run" in steps(ROOT / ".github" / "workflows" / "ci.yml")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_citation_names_this_version() -> None:
    citation = read_yaml(ROOT / "CITATION.cff")
    assert citation["version"] == langchain_volcark.__version__
    assert citation["license"] == "MIT"
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()


def test_every_dependency_of_the_package_has_a_bound_below() -> None:
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", PYPROJECT, re.DOTALL | re.MULTILINE)
    assert listed is not None
    named = re.findall(r'^    "([^"]+)",$', listed[1], re.MULTILINE)
    assert named
    assert all(re.fullmatch(r"[a-z0-9-]+>=[\d.]+,<\d+", one) for one in named)
