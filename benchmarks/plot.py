"""Draws the ratios of one run as an SVG, without dependencies."""

import math
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.contenders import ARK, CORE, DEEPSEEK, MISTRAL, OPENAI

COLOURS = {CORE: "#9aa0a6", ARK: "#d7263d", OPENAI: "#1b7f5c", MISTRAL: "#e08a00", DEEPSEEK: "#3b5bdb"}
PACKAGES = ("httpx", "langchain-core", "langchain-openai", "langchain-mistralai", "langchain-deepseek")
LEFT, WIDTH, TOP, LINE, GAP = 370, 560, 74, 13, 14
TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


class _Scale:
    """Ratios on a logarithmic axis, so that half and double are equally far from 1."""

    def __init__(self, ratios: list[float]) -> None:
        self.low, self.high = math.log(min(0.8, *ratios) / 1.1), math.log(max(1.25, *ratios) * 1.1)

    def __call__(self, ratio: float) -> float:
        return LEFT + WIDTH * (math.log(ratio) - self.low) / (self.high - self.low)

    def shows(self, ratio: float) -> bool:
        return self.low <= math.log(ratio) <= self.high


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _mark(row: dict[str, Any], y: float, scale: _Scale) -> list[str]:
    ratio, colour = row["ratio_to_raw"], COLOURS[row["contender"]]
    x, label_at = scale(ratio["median"]), scale(ratio["high"]) + 5
    return [
        _line(scale(ratio["low"]), y, scale(ratio["high"]), y, colour, 2),
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>',
        _text(label_at, y + 4, f"{ratio['median']:.2f}", colour=colour) if row["contender"] == ARK else "",
    ]


def _axis(scale: _Scale, bottom: float) -> list[str]:
    parts = []
    for tick in filter(scale.shows, TICKS):
        parts.append(_line(scale(tick), TOP - 8, scale(tick), bottom, "#333" if tick == 1 else "#e3e3e3"))
        parts.append(_text(scale(tick), TOP - 14, f"{tick:g}×", "middle"))
    return parts


def _legend() -> list[str]:
    parts = []
    for position, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + position * 118
        parts += [f'<circle cx="{x}" cy="36" r="4" fill="{colour}"/>', _text(x + 8, 40, name)]
    return parts


def svg(document: dict[str, Any]) -> str:
    """A dot per contender and case: the median ratio to raw httpx, with a whisker from lowest to highest."""
    rows = [row for row in document["rows"] if row.get("ratio_to_raw") and row["contender"] in COLOURS]
    scale = _Scale([row["ratio_to_raw"][end] for row in rows for end in ("low", "high")] or [1.0])
    marks: list[str] = []
    y = float(TOP)
    for case in dict.fromkeys(row["case"] for row in rows):
        mine = [row for row in rows if row["case"] == case]
        marks.append(_text(LEFT - 12, y + LINE * len(mine) / 2, mine[0]["title"], "end"))
        for row in mine:
            marks += _mark(row, y + LINE / 2, scale)
            y += LINE
        y += GAP
    where = document["machine"]
    system = where["platform"].partition("-")[0]
    note = f"{where['date'][:10]}, Python {where['python']}, {where['processors']} processors, {system}"
    versions = ", ".join(f"{name} {where[name]}" for name in PACKAGES if name in where)
    width, height = LEFT + WIDTH + 60, y + 46
    size = f'width="{width}" height="{height:.0f}"'
    font = 'font-family="system-ui, sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" {size} {font}>',
        f'<rect {size} fill="#fff"/>',
        _text(LEFT, 18, "Client CPU per call, chunk or event, as a ratio to raw httpx (left is cheaper)"),
        *_legend(),
        *_axis(scale, y - GAP / 2),
        *filter(None, marks),
        _text(LEFT, y + 16, note, colour="#777"),
        _text(width - 12, y + 34, versions, "end", colour="#777"),
        "</svg>\n",
    ]
    return "\n".join(parts)
