"""One property under atheris: `python -m tests.fuzz.guided NAME [libFuzzer's arguments]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["langchain_volcark"]):
    from tests.fuzz import __main__ as fuzz

    chosen = fuzz.properties()[sys.argv.pop(1)]


def run(data: bytes) -> None:
    chosen.hypothesis.fuzz_one_input(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, run)
    atheris.Fuzz()
