"""Install the vendor's newer SDK into this environment, for the tests that compare with it.

Its dependencies include the SDKs of all cloud services, well over a hundred packages; the model client only needs
packages that the older SDK of the group `test` already installs.

    python scripts/ark_sdk.py

`make` does so by itself; without the package its tests are skipped.
"""

from __future__ import annotations

import subprocess
import sys

VERSION = "0.17.0"


def main() -> None:
    """Install it without dependencies."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, f"arkruntime=={VERSION}"], check=True)


if __name__ == "__main__":
    main()
