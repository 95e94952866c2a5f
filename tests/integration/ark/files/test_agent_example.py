"""The example of an agent that reads an uploaded PDF and draws what it read, run in a separate process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from langchain_volcark.emulator import Emulator, RecordedRequest
from tests.documents import pdf

REPOSITORY = Path(__file__).resolve().parents[4]
SIZE = "2560x1440"
STORY = "An old bridge of stone crosses a quiet river.\nA grey cat sleeps on its wall."
# Long runs of letters and digits that are no words, ids or links: what bytes in base64 look like.
BASE64 = re.compile(r"[A-Za-z0-9+/]{400,}|;base64,")


def run(*arguments: str, **environment: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ARK_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "examples/illustrate_pdf.py", *arguments],
        cwd=REPOSITORY,
        env={**own, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def paths(said: str) -> tuple[Path, Path]:
    """The path in the tool's result, and the one in the agent's answer."""
    tool, agent = re.findall(r"saved as (\S+?),? ", said)
    return Path(tool), Path(agent)


@pytest.fixture
def account(emulator: Emulator) -> dict[str, str]:
    """The variables of somebody who has a key; the service is an emulator that records requests."""
    return {
        "ARK_API_KEY": emulator.api_key,
        "ARK_BASE_URL": emulator.ark_base_url,
        "ARK_MODEL": "doubao-seed-2-1-pro-260915",
    }


def requests_to(emulator: Emulator, end: str, method: str = "POST") -> list[RecordedRequest]:
    return [one for one in emulator.requests if one.method == method and one.path.endswith(end)]


def test_without_a_key_it_draws_what_its_own_document_says(tmp_path: Path) -> None:
    said = run("--folder", str(tmp_path))
    assert "leaflet.pdf: processing\nleaflet.pdf: active" in said
    assert "'A white lighthouse stands on a green cliff" in said
    saved, reported = paths(said)
    assert saved == reported
    assert saved.parent == tmp_path
    with Image.open(saved) as picture:
        assert picture.format in ("JPEG", "PNG")
        assert picture.size == (2560, 1440)


def test_with_a_key_it_uploads_reads_draws_and_cleans_up(
    emulator: Emulator, account: dict[str, str], tmp_path: Path
) -> None:
    document = tmp_path / "story.pdf"
    document.write_bytes(pdf(STORY))
    said = run("--pdf", str(document), "--folder", str(tmp_path / "pictures"), **account)

    (upload,) = requests_to(emulator, "/files")
    assert document.read_bytes() in upload.body
    (deletion,) = [one for one in emulator.requests if one.method == "DELETE"]
    assert emulator.files.stored == []

    first, second = (one.json for one in requests_to(emulator, "/responses"))
    (part,) = [part for part in first["input"][0]["content"] if part["type"] == "input_file"]
    assert deletion.path.endswith(f"/files/{part['file_id']}")

    (drawing,) = (one.json for one in requests_to(emulator, "/images/generations"))
    assert drawing["prompt"] == STORY.replace("\n", " ")
    assert drawing["size"] == SIZE

    told, saved = paths(said)
    assert told == saved
    assert list((tmp_path / "pictures").iterdir()) == [saved]
    with Image.open(saved) as picture:
        assert picture.format in ("JPEG", "PNG")
        assert picture.size == (2560, 1440)

    sent: Any = second["input"][-1]["output"]
    assert [one["type"] for one in sent] == ["input_text", "input_image"]
    assert sent[1]["image_url"].startswith("http")
    for request in requests_to(emulator, "/responses"):
        assert not BASE64.search(request.body.decode())


def test_a_refused_picture_is_said_by_the_agent_and_ends_nothing(
    emulator: Emulator, account: dict[str, str], tmp_path: Path
) -> None:
    document = tmp_path / "story.pdf"
    document.write_bytes(pdf("EMULATOR_REFUSE_OUTPUT is drawn here."))
    said = run("--pdf", str(document), "--folder", str(tmp_path / "pictures"), **account)
    assert "OutputImageSensitiveContentDetected" in said[said.index("agent: ") :]
    assert emulator.files.stored == []


def test_a_document_that_is_none_ends_the_example_with_the_reason(account: dict[str, str], tmp_path: Path) -> None:
    document = tmp_path / "story.pdf"
    document.write_bytes(b"%PDF-1.4 and nothing more")
    with pytest.raises(AssertionError, match=r"InvalidRequestError: The file file-\S+ could not be processed"):
        run("--pdf", str(document), "--folder", str(tmp_path), **account)
