"""Records each scene: `make record` keeps the replies of the real services for tests to replay."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.live.kit import Kit
from tests.live.recording import Recorder, Recording
from tests.live.replay import as_json, outcome, shape
from tests.live.sanitise import Sanitiser
from tests.live.scenes import SCENES
from tests.live.services import Services

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize("name", SCENES)
def test_record(name: str, services: Services, request: pytest.FixtureRequest) -> None:
    target = request.config.getoption("--record")
    if target is None:
        pytest.skip("records only where told to: run `make record`, or pytest --live=… --record FOLDER")
    folder = Path(target)
    if not services.real and folder.resolve() == FIXTURES.resolve():
        pytest.fail("what the emulator said must not stand where the services' words stand")
    sanitiser = Sanitiser(services.secrets())
    recording = Recording(name, "services" if services.real else "emulator")
    with httpx.Client(transport=Recorder(recording, sanitiser)) as client:
        live = as_json(SCENES[name](Kit(services, client)))
    recording.outcome = outcome(recording)
    # What the package makes of the sanitised replies differs from the first time in words at most.
    assert shape(recording.outcome) == shape(live)
    recording.save(folder, services.secrets())
