"""Install Baidu's official SDK into a separate environment, for the tests that compare with it.

It requires tenacity below 9, this package 9 or newer, so they cannot share one.

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
    """Create or update the environment."""
    python = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, f"qianfan=={VERSION}"], check=True)
    print(f"qianfan {VERSION} is installed in {ENVIRONMENT}")


if __name__ == "__main__":
    main()
