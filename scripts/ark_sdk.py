"""Install the vendor's newer SDK into this environment, for the tests that use it as a witness.

It asks for the vendor's SDK of every cloud service, well over a hundred packages; all that its client for models
needs of them comes with the older SDK of the group `test`.

    python scripts/ark_sdk.py

`make` does so by itself; without the package its tests are skipped.
"""

from __future__ import annotations

import subprocess
import sys

VERSION = "0.17.0"


def main() -> None:
    """Install it alone."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, f"arkruntime=={VERSION}"], check=True)


if __name__ == "__main__":
    main()
