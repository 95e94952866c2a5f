"""Ark's model profiles, in the format and at the path of LangChain's own packages.

Tools that list models read `_PROFILES` from `<package>/data/_profiles.py`, often without importing the package.
The tool `langchain-profiles` generates such files from models.dev; this one is built from the package's own
tables: change capabilities in `langchain_volcark.ark.profiles`, and ids in `langchain_volcark.ark.model_ids`.

https://docs.langchain.com/oss/python/langchain/models#model-profiles
"""

from typing import Any

from langchain_volcark.ark.model_ids import CURRENT, RETIRING
from langchain_volcark.ark.profiles import find_model


def _profile(model: str) -> dict[str, Any]:
    row = find_model(model)
    facts = dict(row.profile()) if row else {}
    return {**facts, "status": "deprecated"} if model in RETIRING else facts


_PROFILES: dict[str, dict[str, Any]] = {model: _profile(model) for model in sorted((*CURRENT, *RETIRING))}
