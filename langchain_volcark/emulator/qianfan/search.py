"""Results of the built-in web search: fixed, and marked as fictitious."""

from __future__ import annotations

from typing import Any

SITES = ("encyclopedia", "news", "forum")


def results(question: str, number: int) -> list[dict[str, Any]]:
    """Return the requested number of results, at most three."""
    return [
        {"index": index, "url": f"https://{site}.example.org/{index}", "title": f"{site.title()}: {question[:40]}"}
        for index, site in enumerate(SITES[:number], 1)
    ]


def cited(text: str, found: list[dict[str, Any]]) -> str:
    """Add a reference mark for the first result, and one for the others together."""
    others = "".join(f"[{one['index']}]" for one in found[1:])
    return f"{text}^[{found[0]['index']}]^" + (f" More of it elsewhere^{others}^." if others else "")
