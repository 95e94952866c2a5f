"""Smoke test of the installed wheel, run outside this repository.

python -I scripts/smoke.py              # the package alone
python -I scripts/smoke.py --emulator   # with its extra: a conversation with the emulator
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import sys
from pathlib import Path

import langchain_volcark

OPTIONAL = ("langchain_volcark.emulator", "langchain_volcark.middleware")


def check_package() -> None:
    """Check that every public name and module can be imported from the environment, with types."""
    home = Path(langchain_volcark.__file__).parent
    expect(home.is_relative_to(sys.prefix), f"{home} is not in the environment")
    expect((home / "py.typed").is_file(), "py.typed is missing: type checkers would not see our types")
    version = importlib.metadata.version("langchain-volcark")
    expect(version == langchain_volcark.__version__, f"{version} is not {langchain_volcark.__version__}")
    for name in langchain_volcark.__all__:
        expect(getattr(langchain_volcark, name) is not None, f"{name} is None")
    modules = [
        one.name for one in pkgutil.walk_packages([str(home)], "langchain_volcark.", onerror=lambda _: None)
    ]
    loaded = [name for name in modules if not name.startswith(OPTIONAL) and not name.endswith("__main__")]
    for name in loaded:
        importlib.import_module(name)
    print(f"langchain-volcark {version}: {len(langchain_volcark.__all__)} names, {len(loaded)} modules")


def check_conversation() -> None:
    """Check a call and a stream through a real socket."""
    from langchain_volcark.emulator import Emulator

    with Emulator() as emulator:
        model = langchain_volcark.ChatArk(
            model="doubao-seed-2-1-pro-260915", base_url=emulator.ark_base_url, api_key=emulator.api_key
        )
        answer = model.invoke("Say hello.")
        chunks = list(model.stream("Say hello."))
    expect(bool(answer.text), "the answer is empty")
    expect("".join(chunk.text for chunk in chunks) == answer.text, "the stream says something else")
    expect(bool(answer.usage_metadata), "the answer has no usage")
    print(f"ChatArk and the emulator: {answer.text!r} in {len(chunks)} chunks")


def expect(holds: bool, otherwise: str) -> None:
    """Exit with a reason unless a condition is true."""
    if not holds:
        sys.exit(otherwise)


if __name__ == "__main__":
    check_package()
    if "--emulator" in sys.argv:
        check_conversation()
