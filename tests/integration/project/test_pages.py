"""The pages keep their promises: every Python block runs, every command exists, every link leads somewhere.

A block that begins with "```python notest" is only shown: it is another package's, or wants what no test has.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import langchain_volcark
from langchain_volcark.ark import errors as ark_errors
from langchain_volcark.cli.main import _parser as command_line
from langchain_volcark.emulator import Emulator
from langchain_volcark.emulator.__main__ import main as run_emulator
from langchain_volcark.knowledge import errors as knowledge_errors
from langchain_volcark.qianfan import errors as qianfan_errors
from tests.documents import mp4, pdf
from tests.pictures import png

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(<?([^)>\s]+)>?\)")
SOURCES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "langchain_volcark").rglob("*.py")}

README, CHINESE_README = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = [
    README,
    CHINESE_README,
    ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted(DOCS.rglob("*.mdx")),
]
ENGLISH = sorted(page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).parts[0] in ("api", page.name))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def chinese_of(page: Path) -> Path:
    return CHINESE_README if page == README else DOCS / "zh" / page.relative_to(DOCS)


def fences(page: Path, *languages: str) -> Iterator[str]:
    """The blocks that a reader may run; those in tabs without their indentation."""
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        words = found["info"].split()
        if words and words[0] in languages and "notest" not in words:
            yield textwrap.dedent(found["body"])


def prose(page: Path) -> str:
    return COMMENT.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
each_running_page = pytest.mark.parametrize(
    "page", [page for page in PAGES if any(fences(page, "python"))], ids=name_of
)
each_pair = pytest.mark.parametrize("page", [README, *ENGLISH], ids=name_of)


@pytest.fixture
def addresses(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, registries: object, waits: list[float], tmp_path: Path
) -> None:
    """The emulator's keys in the environment, its addresses where a page names none, files to upload; no waiting."""
    for name, content in {
        "report.pdf": pdf("The ferry leaves at eight."),
        "clip.mp4": mp4(),
        "cat.png": png(9, 9, 9),
    }.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ARK_API_KEY": emulator.api_key,
        "ARK_BASE_URL": emulator.ark_base_url,
        "QIANFAN_BEARER_TOKEN": emulator.qianfan_api_key,
        "VOLC_ACCESSKEY": emulator.access_key,
        "VOLC_SECRETKEY": emulator.secret_key,
        "VOLC_KNOWLEDGE_API_KEY": emulator.service_api_key,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("ChatQianfan", "QianfanEmbeddings", "QianfanRerank"):
        monkeypatch.setattr(*_init_with(name, emulator.qianfan_base_url))
    for name in ("ChatVikingKnowledge", "VikingKnowledgeRetriever", "VikingKnowledgeReranker"):
        monkeypatch.setattr(*_init_with(name, emulator.knowledge_base_url))


def _init_with(name: str, base_url: str) -> tuple[type, str, Callable[..., None]]:
    cls = getattr(langchain_volcark, name)
    init = cls.__init__

    def with_address(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **{"base_url": base_url, **kwargs})

    return cls, "__init__", with_address


# --- code ---------------------------------------------------------------------------------------------------


@each_running_page
@pytest.mark.usefixtures("addresses")
@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_the_python_blocks_run_from_top_to_bottom(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(fences(page, "python"), 1):
        exec(compile(block, f"{name_of(page)}, block {number}", "exec"), namespace)
    capsys.readouterr()


@pytest.mark.usefixtures("addresses")
@pytest.mark.parametrize(
    ("page", "answer"),
    [(README, "You said: Name three cruciferous plants."), (CHINESE_README, "你说：")],
    ids=["en", "zh"],
)
def test_the_readme_prints_answers(page: Path, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in fences(page, "python"):
        exec(compile(block, page.name, "exec"), namespace)
    printed = capsys.readouterr().out
    assert answer in printed
    assert "3 " in printed  # as many requests as two refusals and an answer take


@each_page
def test_every_command_exists(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in fences(page, "bash", "sh", "console"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                _check_command(words, capsys)


def _check_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    program, *rest = words
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in rest if "=" not in word} <= set(targets), words
    elif program == "volcark" and rest[:1] != ["emulator"]:
        command_line().parse_args(rest)
    elif program == "volcark" or words[:3] == ["python", "-m", "langchain_volcark.emulator"]:
        with pytest.raises(SystemExit):
            run_emulator(["--help"])
        known = capsys.readouterr().out
        assert all(word in known for word in words if word.startswith("--")), words
    elif words[:3] == ["python", "-m", "langchain_volcark"]:
        command_line().parse_args(rest[2:])
    elif program == "python":
        assert (ROOT / rest[0]).is_file(), words
    elif program == "export":
        for name in (word.partition("=")[0] for word in rest):
            assert any(f'"{name}"' in source for source in SOURCES.values()), words
    elif program in ("pip", "uv"):
        for extra in re.findall(r"langchain-volcark\[(\w+)\]", " ".join(rest)):
            assert re.search(rf"^{extra} = ", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    else:
        assert program in ("git", "cd", "pre-commit"), words


# --- what the pages say -------------------------------------------------------------------------------------


@each_page
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if page.suffix == ".md" and "://" not in target and not target.startswith(("#", "mailto:")):
            assert (page.parent / target.partition("#")[0]).exists(), target


@each_pair
def test_the_two_languages_have_the_same_pages_and_examples(page: Path) -> None:
    chinese = chinese_of(page)
    assert chinese.is_file()
    for language in ("python", "bash"):
        assert len(list(fences(chinese, language))) == len(list(fences(page, language)))


def test_there_is_no_chinese_page_without_its_english_one() -> None:
    assert {page.relative_to(DOCS / "zh") for page in (DOCS / "zh").rglob("*.md")} == {
        page.relative_to(DOCS) for page in ENGLISH
    }


@pytest.mark.parametrize("page", [DOCS / "errors.md", DOCS / "zh" / "errors.md"], ids=name_of)
@pytest.mark.parametrize(
    "reader",
    [ark_errors.ArkErrors, qianfan_errors.QianfanErrors, knowledge_errors.KnowledgeErrors],
    ids=["ark", "qianfan", "knowledge"],
)
def test_every_error_code_is_explained(page: Path, reader: type[Any]) -> None:
    text = page.read_text(encoding="utf-8")
    words = {True: "是", False: "否"} if page.parent.name == "zh" else {True: "yes", False: "no"}
    missing = []
    for row in reader.table.rows:
        retried = row.error.is_retryable if row.retryable is None else row.retryable
        code = row.code.replace("*", "…")
        begins = f"| `{code}` | `{row.error.__name__}` | {words[retried]} | "
        if begins not in text:
            missing.append(f"{begins}{row.advice} |")
    assert not missing


@pytest.mark.parametrize("folder", [DOCS / "api", DOCS / "zh" / "api"], ids=name_of)
def test_every_public_name_is_in_the_reference(folder: Path) -> None:
    directives = "\n".join(page.read_text(encoding="utf-8") for page in folder.glob("*.md"))
    missing = [name for name in langchain_volcark.__all__ if f"%api {name}\n" not in directives + "\n"]
    assert missing in ([], ["__version__"])
