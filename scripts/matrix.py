"""Run the test suite on every supported Python found on this machine, with the oldest and the newest dependencies.

    python scripts/matrix.py                                  # all of it
    python scripts/matrix.py --python 3.12 --resolution lowest -- tests/unit -n 2

Interpreters are searched on the PATH (`python3.12`) and in pyenv (`~/.pyenv/versions/3.12.*`); missing ones are
reported and skipped. "lowest" pins what the package itself needs, the emulator included, to the lower
bounds in `pyproject.toml`, which are tested this way. Everything else is as new as possible.
Environments stay in `.venv/matrix`, so a second run is quick.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".venv" / "matrix"
RESOLUTIONS = ("newest", "lowest")
DEFAULT_ARGUMENTS = ["-q", "-n", "auto", "--maxprocesses", "4"]
LAST_LINE = re.compile(r"\d+ (?:passed|failed|error).* in [\d.:]+")


@dataclass(frozen=True)
class Outcome:
    """Result of the suite in one environment."""

    version: str
    resolution: str
    passed: bool
    says: str


def supported_versions() -> list[str]:
    """Return the versions that `pyproject.toml` supports."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)


def find_interpreter(version: str) -> Path | None:
    """Find a working interpreter of this version, or None."""
    on_path = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [Path(sys.executable), *([Path(on_path)] if on_path else [])]
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    return next((one for one in candidates if _version_of(one) == version), None)


def _version_of(interpreter: Path) -> str | None:
    # The PATH may have a shim for a version that is not installed.
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    run = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    return run.stdout.strip() if run.returncode == 0 else None


def lowest_pins(version: str) -> str:
    """Return the lower bounds of the package's dependencies as exact versions, one per line."""
    arguments = [
        "compile",
        "--no-deps",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "--resolution",
        "lowest-direct",
    ]
    return _uv([*arguments, "--extra", "emulator", "--python-version", version, "pyproject.toml"]).stdout


def prepare(version: str, resolution: str, interpreter: Path) -> Path:
    """Create or update the environment; return its Python."""
    folder = ENVIRONMENTS / f"{version}-{resolution}"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    constraints = folder / "constraints.txt"
    constraints.write_text(lowest_pins(version) if resolution == "lowest" else "", encoding="utf-8")
    install = ["install", "--quiet", "--upgrade", "--python", str(python), "--constraints", str(constraints)]
    _uv([*install, "--editable", ".[emulator]", "--group", "dev"])
    return python


def _uv(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [sys.executable, "-m", "uv", "pip", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(run.stderr.strip() or run.stdout.strip())
    return run


def try_one(version: str, resolution: str, interpreter: Path, pytest_arguments: list[str]) -> Outcome:
    """Set one environment up and run the suite in it."""
    print(f"== Python {version}, {resolution}: {interpreter}", flush=True)
    try:
        python = prepare(version, resolution, interpreter)
    except RuntimeError as error:
        print(error, flush=True)
        return Outcome(version, resolution, passed=False, says="cannot be installed")
    # Plugins of another environment must not affect the tests.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))
    }
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *pytest_arguments]
    run = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = []
    for line in run.stdout or ():
        print(line, end="", flush=True)
        lines.append(line.strip("= \n"))
    status = run.wait()
    says = next((line for line in reversed(lines) if LAST_LINE.search(line)), f"exit status {status}")
    return Outcome(version, resolution, passed=status == 0, says=says)


def main() -> int:
    """Run all combinations; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", action="append", metavar="3.X", help="only this version; may be repeated")
    parser.add_argument("--resolution", action="append", choices=RESOLUTIONS, help="only this; may be repeated")
    parser.add_argument(
        "pytest", nargs="*", help="arguments of pytest, after --; default: -q -n auto --maxprocesses 4"
    )
    chosen = parser.parse_args()
    outcomes, missing = [], []
    started = time.monotonic()
    for version in chosen.python or supported_versions():
        interpreter = find_interpreter(version)
        if interpreter is None:
            missing.append(version)
            print(f"== Python {version}: no interpreter on this machine, skipped", flush=True)
            continue
        for resolution in chosen.resolution or RESOLUTIONS:
            outcomes += [try_one(version, resolution, interpreter, chosen.pytest or DEFAULT_ARGUMENTS)]
    print(f"\nIn {(time.monotonic() - started) / 60:.0f} minutes:")
    for one in outcomes:
        print(f"  Python {one.version:5} {one.resolution:7} {'ok    ' if one.passed else 'FAILED'} {one.says}")
    for version in missing:
        print(f"  Python {version:5} skipped: no interpreter on this machine")
    return 0 if outcomes and all(one.passed for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
