"""The page of open questions and the tests that verify them agree."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "uncertain.md").read_text(encoding="utf-8")
LIVE = ROOT / "tests" / "live"
NAMED = re.findall(r"`(test_\w+\.py::test_\w+)`", PAGE)


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {f"{path.name}::{name}" for name in functions if name.startswith("test_")}


def test_every_test_that_the_page_names_exists_and_every_test_is_on_it() -> None:
    written = set().union(*(functions_in(path) for path in LIVE.glob("test_uncertain_*.py")))
    assert set(NAMED) == written
