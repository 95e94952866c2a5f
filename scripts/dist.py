"""Build the release files and test them in a clean environment.

    python scripts/dist.py

Builds the source archive and from it the wheel, into `dist`; checks what the package index will show and what is
in both; installs the wheel into an empty environment, first alone and then with its extra, and runs the command
and `scripts/smoke.py` there, in an empty folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PACKAGE = "langchain_volcark"
IN_THE_ARCHIVE = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "tests/conftest.py",
    f"{PACKAGE}/py.typed",
)


def run(*command: str | Path, folder: Path = ROOT) -> None:
    """Run a command; exit if it fails."""
    print("$", *(Path(part).name if Path(part).is_absolute() else part for part in command), flush=True)
    status = subprocess.run(command, cwd=folder, check=False).returncode
    if status:
        sys.exit(status)


def check_wheel(wheel: Path) -> None:
    """Check that the wheel has the whole package and nothing else."""
    found = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    about = {name for name in found if name.split("/")[0].endswith(".dist-info")}
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".DS_Store"
    }
    complain("not in the wheel", wanted - found)
    complain("in the wheel, but not of the package", found - about - wanted)
    if not any(name.endswith("/licenses/LICENSE") for name in about):
        sys.exit("The wheel has no licence.")
    print(f"{wheel.name}: {len(wanted)} files of the package, py.typed among them, and no tests")


def check_archive(archive: Path) -> None:
    """Check the contents of the source archive."""
    with tarfile.open(archive) as opened:
        names = [name.partition("/")[2] for name in opened.getnames()]
    complain("not in the source archive", set(IN_THE_ARCHIVE) - set(names))
    complain(
        "in the source archive", {name for name in names if "__pycache__" in name or name.startswith(".venv")}
    )
    print(f"{archive.name}: {len(names)} files")


def complain(what: str, names: set[str]) -> None:
    """Exit if there are any problems."""
    if names:
        sys.exit(f"{what}: {', '.join(sorted(names))}")


def try_out(wheel: Path) -> None:
    """Install the wheel into an empty environment and use it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        venv.create(folder / "env", with_pip=False)
        python = folder / "env" / "bin" / "python"
        empty = folder / "empty"
        empty.mkdir()
        for extra, arguments in (("", []), ("[emulator]", ["--emulator"])):
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
            run(*install, f"{PACKAGE.replace('_', '-')}{extra} @ {wheel.as_uri()}", folder=empty)
            run(python, "-I", ROOT / "scripts" / "smoke.py", *arguments, folder=empty)
            run(folder / "env" / "bin" / "volcark", "--version", folder=empty)


def main() -> None:
    """Run all steps."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", DIST)
    wheel, archive = next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, archive)
    check_wheel(wheel)
    check_archive(archive)
    try_out(wheel)
    print(f"Ready in {DIST.name}: {wheel.name}, {archive.name}")


if __name__ == "__main__":
    main()
