"""Install Baidu's official SDK into an environment of its own, for the tests that use it as a witness.

It pins tenacity below 9, this package needs 9 or newer, so the two cannot share one.

    python scripts/qianfan_sdk.py

Then `tests/integration/qianfan/test_official_sdk.py` runs; without the environment it is skipped.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

VERSION = "0.4.12.3"
ENVIRONMENT = Path(__file__).parents[1] / ".venv" / "qianfan-sdk"


def main() -> None:
    """Make the environment, or bring it up to date."""
    python = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, f"qianfan=={VERSION}"], check=True)
    print(f"qianfan {VERSION} is installed in {ENVIRONMENT}")


if __name__ == "__main__":
    main()
