"""The controls over HTTP, for any language: `POST /_emulator/<control>`, `GET /_emulator/requests`.

The JSON body of a control has its arguments by name: `POST /_emulator/fail_next {"status": 429, "times": 2}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.emulator.ark.files.store import Files
    from langchain_volcark.emulator.control import Controls
    from langchain_volcark.emulator.state import RecordedRequest

PREFIX = "/_emulator/"


class ControlAPI:
    """Routes under `/_emulator/`. No credentials are needed.

    Args:
        controls: The controls.
        files: The uploaded files and their controls.
    """

    def __init__(self, controls: Controls, files: Files) -> None:
        self._controls = controls
        self._commands: dict[str, Callable[..., None]] = {
            "fail_next": controls.fail_next,
            "reply_next": controls.reply_next,
            "drop_next": controls.drop_next,
            "delay_next": controls.delay_next,
            "break_stream_after": controls.break_stream_after,
            "stall_stream_after": controls.stall_stream_after,
            "shift_clock": controls.shift_clock,
            "close_tools": lambda tools: controls.close_tools(*tools),
            "plan_video": controls.plan_video,
            "process_files_for": files.process_for,
            "fail_next_file": files.fail_next,
            "reset": controls.reset,
        }

    def owns(self, path: str) -> bool:
        """Whether the path belongs to the controls."""
        return path.startswith(PREFIX)

    def handle(self, request: RecordedRequest) -> Response:
        """Run a control or list the recordings; these requests are not recorded."""
        name = request.path.removeprefix(PREFIX)
        if request.method == "GET" and name == "requests":
            # Escaped, because a body may contain text that is not valid UTF-8.
            recorded = json.dumps([one.redacted() for one in self._controls.requests])
            return Response(recorded, media_type="application/json")
        if request.method == "GET" and name == "streams":
            counts = {"active": self._controls.active_streams, "disconnects": self._controls.disconnects}
            return JSONResponse(counts)
        command = self._commands.get(name)
        if request.method != "POST" or command is None:
            return _refuse(404, f"No such control; there are {', '.join(self._commands)}, requests and streams")
        arguments: Any = request.json if request.body else {}
        if not isinstance(arguments, dict):
            return _refuse(400, "The body must be a JSON object of the control's arguments")
        try:
            command(**arguments)
        except (TypeError, ValueError) as error:
            return _refuse(400, str(error))
        return JSONResponse({"ok": True})


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
