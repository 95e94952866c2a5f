"""The example of image generation, run in a separate process with its own emulator."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[4]


def test_it_saves_every_picture_and_says_which_one_failed(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "examples/images.py", str(tmp_path / "pictures")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    one, edited, series, seen, agent = done.stdout.split("── ")[1:]
    assert "size: 2848x1600; billed: {'generated_images': 1" in one
    assert "characters>'" in edited
    assert "picture 4: season-4.jpeg" in series
    assert "picture 3 is missing: OutputImageSensitiveContentDetected" in series
    assert "'generated_images': 3" in series
    assert "with 1 image" in seen
    assert "tool: text block; image block;" in agent
    saved = {path.relative_to(tmp_path / "pictures").as_posix(): path for path in tmp_path.rglob("*.jpeg")}
    assert {"fox.jpeg", "scarf.jpeg", "season-1.jpeg", "season-2.jpeg", "season-4.jpeg"} < saved.keys()
    (last,) = (name for name in saved if name.startswith("agent/"))
    assert f"saved as {saved[last]}" in agent
    assert f"6 pictures in {tmp_path / 'pictures'}" in agent
    assert all(Image.open(io.BytesIO(path.read_bytes())).format == "JPEG" for path in saved.values())
