"""Promises about the code itself: cheap import, small rooms, one list of public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import langchain_volcark

PACKAGE = Path(langchain_volcark.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import sys; import langchain_volcark; "
        "print([m for m in ('langchain_core', 'httpx', 'pydantic', 'tenacity') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_every_public_name_loads_and_is_listed() -> None:
    for name in langchain_volcark.__all__:
        assert getattr(langchain_volcark, name) is not None
        assert name in dir(langchain_volcark)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="ChatOpenAI"):
        _ = langchain_volcark.ChatOpenAI  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_is_longer_than_500_lines_and_no_function_than_60(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 500
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            docstring = ast.get_docstring(node, clean=False) or ""
            assert length - len(docstring.splitlines()) <= 60, f"{node.name} has {length} lines"
