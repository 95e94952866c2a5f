"""Limits for the results: bounds that every run must keep, and goals that are only reported.

Bounds are generous ratios within one run, for a shared CI machine. Goals are for a quiet
machine; missing one is reported, but is not an error.
"""

from dataclasses import dataclass

from benchmarks import embeddings, scale, slow
from benchmarks.contenders import ARK, CORE, MISTRAL, OPENAI, PEERS, RAW
from benchmarks.measure import Key, Results, ratio, values


@dataclass(frozen=True)
class Limit:
    """Our figure in `case` is at most `at_most` times that of `against`, or in the case's unit with None."""

    case: str
    at_most: float
    against: Key | None
    source: str
    of: str = ARK
    plus: str | None = None  # another contender, whose figure is added to that of `against`

    def measured(self, results: Results) -> float | None:
        """Where we stand, or None where that was not measured in this run."""
        mine = (self.case, self.of)
        if self.plus and self.against:
            spreads = [values(results, key) for key in (mine, self.against, (self.case, self.plus))]
            medians = [spread.median for spread in spreads if spread]
            return medians[0] / sum(medians[1:]) if len(medians) == len(spreads) else None
        spread = ratio(results, mine, self.against) if self.against else values(results, mine)
        return spread.median if spread else None

    @property
    def text(self) -> str:
        if self.against is None:
            return f"{self.case} ≤ {self.at_most:.3g}"
        case, name = self.against
        name = f"({name} + {self.plus})" if self.plus else name
        other = name if case == self.case else f"{name} {case}" if name != ARK else f"own {case}"
        return f"{self.case} ≤ {self.at_most:.3g} × {other}"


def _raw(case: str, at_most: float, source: str) -> Limit:
    return Limit(case, at_most, (case, RAW), source)


def _own(case: str, at_most: float, other: str, source: str) -> Limit:
    return Limit(case, at_most, (other, ARK), source)


def _embed(case: str, at_most: float, source: str, against: str = RAW) -> Limit:
    return Limit(case, at_most, (case, against), source, embeddings.ARK)


BOUND, FIRST, SPEED, AHEAD = "bound", "first goal", "speed goal", "ahead of every peer"

BOUNDS = (
    _raw("invoke", 2.0, BOUND),
    _raw("ainvoke", 2.0, BOUND),
    _raw("stream", 3.5, BOUND),
    _raw("astream", 3.5, BOUND),
    _own("v3", 1.5, "stream", BOUND),
    _own("av3", 1.5, "astream", BOUND),
    _own("inflight_64", 2.5, "inflight_1", BOUND),
    _own("batch_64", 2.5, "batch_1", BOUND),
    Limit("streams_500", 0.7, ("streams_500", RAW), BOUND, scale.POOL),
    _embed("embed_64", 2.5, BOUND),
    _embed("embed_multimodal", 2.5, BOUND),
)

GOALS = (
    _raw("invoke", 1.3, FIRST),
    _raw("stream", 2.2, FIRST),
    _own("inflight_64", 1.5, "inflight_1", FIRST),
    Limit("import_package", 5, None, FIRST),
    Limit("construction", 0.1, None, FIRST),
    _raw("invoke", 1.15, SPEED),
    _raw("ainvoke", 1.2, SPEED),
    _raw("stream", 1.7, SPEED),
    _raw("astream", 1.7, SPEED),
    _own("v3", 0.8, "stream", SPEED),
    _own("av3", 0.8, "astream", SPEED),
    *(_own(f"inflight_{n}", 1.5, "inflight_1", SPEED) for n in (64, 500)),
    *(Limit(f"inflight_{n}", 1 / 2, (f"inflight_{n}", OPENAI), SPEED) for n in (64, 500)),
    *(Limit(f"inflight_{n}", 1 / 6, (f"inflight_{n}", MISTRAL), SPEED) for n in (64, 500)),
    _own("batch_128", 1.5, "batch_1", SPEED),
    Limit("batch_128", 1 / 2, ("batch_128", OPENAI), SPEED),
    Limit("batch_128", 1 / 6, ("batch_128", MISTRAL), SPEED),
    Limit("import", 60, None, SPEED),
    Limit("memory", 1.1, ("memory", CORE), SPEED),
    Limit("memory_own", 4, None, SPEED),  # the answer's text, 1.4 MB in these streams, is kept for `partial`
    *(Limit(f"streams_{n}", 1.1, (f"streams_{n}", scale.AIOHTTP), SPEED, scale.POOL) for n in (500, 2000)),
    *(Limit(f"streams_{n}", 1 / 6, (f"streams_{n}", RAW), SPEED, scale.POOL) for n in (500, 2000)),
    *(Limit(case.name, 1.15, (case.name, slow.BARE), SPEED, plus=CORE) for case in slow.SLOW_CASES),
    Limit("open_10000", 45, None, SPEED),
    *(_raw(f"responses_{kind}", 1.2, SPEED) for kind in ("invoke", "ainvoke")),
    *(_raw(f"responses_{kind}", 2.0, SPEED) for kind in ("stream", "astream")),
    *(Limit(f"responses_{kind}", 1 / 4, (f"responses_{kind}", OPENAI), SPEED) for kind in ("stream", "astream")),
    _embed("embed_64", 1.6, SPEED),
    _embed("embed_multimodal", 1.5, SPEED),
)


def ahead_of_peers(cases: list[str]) -> list[Limit]:
    """The last goal: no peer is cheaper in any row."""
    neighbours = [
        _embed(case, 1.0, AHEAD, peer) for case in cases for peer in (embeddings.OPENAI, embeddings.MISTRAL)
    ]
    return [Limit(case, 1.0, (case, peer), AHEAD) for case in cases for peer in PEERS] + neighbours
