"""Run the notebooks from top to bottom in a Jupyter kernel, and keep their outputs.

    python scripts/notebooks.py                                    # all, in place
    python scripts/notebooks.py notebooks/05_*.ipynb               # one, in place
    python scripts/notebooks.py --output build/notebooks           # all, without changing the committed files

Kernels run in a temporary folder, so notebooks leave no files behind. Without a key they use the emulator.
Metadata that differs between runs (execution times, the kernel's version) is removed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.font_manager  # noqa: F401  # makes its font cache here, and says so here, not in a notebook
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from traitlets.config import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_TIMEOUT = 300


def run(path: Path, output: Path | None = None) -> Path:
    """Execute a notebook.

    Args:
        path: The notebook.
        output: The folder for the executed copy; None writes it in place.

    Returns:
        Where the executed notebook is.

    Raises:
        CellExecutionError: A cell failed; nothing was written.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        NotebookClient(
            notebook,
            config=_transport(Path(sockets)),
            timeout=CELL_TIMEOUT,
            startup_timeout=CELL_TIMEOUT,
            kernel_name=KERNEL["name"],
            resources={"metadata": {"path": folder}},
            record_timing=False,
            coalesce_streams=True,
        ).execute()
    target = path if output is None else output / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(tidy(notebook), target)
    return target


def _transport(folder: Path) -> Config:
    """Connect to kernels through files, because kernels that start at the same time may choose the same port."""
    if sys.platform == "win32":
        return Config()
    return Config({"KernelManager": {"transport": "ipc", "ip": str(folder / "kernel")}})


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Remove metadata that readers do not need."""
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
    return notebook


def run_timed(path: Path, output: Path | None) -> str | None:
    """Run a notebook and print its time; return the error, if any."""
    started = time.perf_counter()
    try:
        run(path, output)
    except CellExecutionError as error:
        return f"{path.name} failed:\n{error}"
    print(f"{path.name}: {time.perf_counter() - started:.1f} s", flush=True)
    return None


def main(given: Sequence[str] | None = None) -> None:
    """Run the selected notebooks, as many at once as there are cores."""
    parser = argparse.ArgumentParser(description="Run notebooks and keep their outputs.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="which (all of notebooks/)")
    parser.add_argument("--output", type=Path, help="folder for the executed copies (in place)")
    options = parser.parse_args(given)
    paths = options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as settings, ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        # Inherited by the kernels, so that personal settings do not appear in the outputs.
        os.environ.update(IPYTHONDIR=settings, JUPYTER_RUNTIME_DIR=settings)
        os.environ.pop("MPLBACKEND", None)
        failures = [one for one in pool.map(lambda path: run_timed(path, options.output), paths) if one]
    if failures:
        sys.exit("\n\n".join(failures))


if __name__ == "__main__":
    main()
