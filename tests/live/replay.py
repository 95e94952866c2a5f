"""Replays a recording to the package, and returns what the package reads from it."""

from __future__ import annotations

import json
from typing import Any

from tests.live.kit import Kit
from tests.live.recording import Recording, playing
from tests.live.scenes import SCENES
from tests.live.services import Services


def outcome(recording: Recording) -> Any:
    """What a recording's scene comes to today."""
    with playing(recording) as server:
        return as_json(SCENES[recording.scene](Kit(Services({}, server))))


def as_json(value: Any) -> Any:
    """A value as it stands in a file."""
    return json.loads(json.dumps(value, default=str, ensure_ascii=False))


def shape(value: Any) -> Any:
    """A value's form: which fields, of which kind; sanitising must not change it."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__
