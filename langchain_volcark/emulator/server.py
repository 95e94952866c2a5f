"""`Emulator`: runs the server in a thread; its addresses and credentials."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from langchain_volcark.emulator.ark.control_plane import ArkControlPlane
from langchain_volcark.emulator.ark.files.store import Files
from langchain_volcark.emulator.ark.links import Links
from langchain_volcark.emulator.ark.service import ArkService
from langchain_volcark.emulator.control import Controls
from langchain_volcark.emulator.control_api import ControlAPI
from langchain_volcark.emulator.credentials import Credentials
from langchain_volcark.emulator.gate import Gate, Service
from langchain_volcark.emulator.knowledge.corpus import load_folder
from langchain_volcark.emulator.knowledge.samples import sample_collection
from langchain_volcark.emulator.knowledge.service import KnowledgeService
from langchain_volcark.emulator.qianfan.accounts import QianfanAccount
from langchain_volcark.emulator.qianfan.exchanges import OAUTH_PATH, BearerService, OAuthService
from langchain_volcark.emulator.qianfan.v1_service import PREFIX as QIANFAN_V1_PREFIX
from langchain_volcark.emulator.qianfan.v1_service import V1Service
from langchain_volcark.emulator.qianfan.v2_service import V2Service
from langchain_volcark.emulator.state import State

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from langchain_volcark.emulator.knowledge.corpus import Collection
    from langchain_volcark.emulator.upstream.client import Upstream

_START_TIMEOUT = 10.0
_STOP_TIMEOUT = 5.0


class _Connection(H11Protocol):
    """Gives the application access to the socket (`scope["state"]["transport"]`), which ASGI does not have."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.access_log = False
        self.app_state = {"transport": transport}


class _Server(uvicorn.Server):
    """A uvicorn server that signals when it listens and does not wait for clients when it stops."""

    def __init__(self, config: uvicorn.Config, listening: threading.Event, upstream: Upstream | None) -> None:
        super().__init__(config)
        self._listening = listening
        self._upstream = upstream

    def run_until_stopped(self, listener: socket.socket) -> None:
        try:
            self.run(sockets=[listener])
        finally:
            listener.close()
            # Wakes up the caller of start(), which would wait forever otherwise.
            self._listening.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # Stalled streams notice the abort, so no polling is needed.
        self.force_exit = True
        if self._upstream is not None:
            await self._upstream.aclose()
        await super().shutdown(sockets)


class Emulator(Controls):
    """A local server that emulates the services.

    It runs in its own thread from `start()` to `stop()`, or as a context manager. Several emulators can run at
    once. The docstring of `langchain_volcark.emulator` describes its replies; `Controls` simulates faults.

    Example:
        >>> import httpx
        >>> with Emulator() as server:
        ...     reply = httpx.post(
        ...         f"{server.ark_base_url}/chat/completions",
        ...         headers={"Authorization": f"Bearer {server.api_key}"},
        ...         json={
        ...             "model": "doubao-1-5-pro-32k-250115",
        ...             "messages": [{"role": "user", "content": "Hi"}],
        ...         },
        ...     )
        >>> reply.json()["choices"][0]["message"]["content"]
        'You said: Hi'
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        endpoints: Mapping[str, str] | None = None,
        documents: str | Path | None = None,
        chunk_delay: float = 0.0,
        log: str | Path | None = None,
        upstream: str | None = None,
        upstream_model: str | None = None,
        upstream_key: str | None = None,
        upstream_timeout: float = 600.0,
    ) -> None:
        """Create an emulator; it listens after `start()`.

        Args:
            host: The address to listen on.
            port: The port; 0 for a free one at every start.
            api_key: The Ark key it accepts; a random one by default.
            access_key: The Volcengine access key it accepts; a random one by default.
            secret_key: Its secret; a random one by default.
            endpoints: Maps `ep-…` ids to model ids; any other `ep-…` id stands for
                `doubao-seed-2-1-pro-260915`.
            documents: Folder with the files of the knowledge base's collection `demo`; by default a small built-in
                collection.
            chunk_delay: Seconds between two events of a stream.
            log: File to which each received request is appended as a line of JSON with its time, method, path and
                body, before it is answered. Unlike the recordings it has no limit.
            upstream: Base URL of an OpenAI-compatible server whose model writes the answers, such as
                `http://127.0.0.1:11434/v1`.
            upstream_model: The model to use there; by default the first one listed.
            upstream_key: Its API key, if it needs one.
            upstream_timeout: Read timeout in seconds.

        Raises:
            ValueError: An endpoint maps to an unknown model; `documents` is not a folder, or has no readable
                files; or `upstream` is not an HTTP URL.
            OSError: `log` cannot be written to.
        """
        self._credentials = Credentials(
            api_key=api_key or f"emulator-{secrets.token_hex(16)}",
            access_key=access_key or f"AKLT{secrets.token_hex(16)}",
            secret_key=secret_key or secrets.token_urlsafe(32),
        )
        self._qianfan = QianfanAccount(
            api_key=f"bce-v3/ALTAK-{secrets.token_urlsafe(12)}/{secrets.token_hex(20)}",
            client_id=secrets.token_hex(12),
            client_secret=secrets.token_hex(16),
            access_key=self._credentials.access_key,
            secret_key=self._credentials.secret_key,
        )
        state = State(log)
        self._files = Files(lambda: state.now().timestamp())
        super().__init__(state)
        self._host = host
        self._wanted_port = port
        self._port: int | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._upstream: Upstream | None = None
        if upstream is not None:
            # Imported here, because httpx is only needed with an upstream.
            from langchain_volcark.emulator.upstream.client import Upstream

            self._upstream = Upstream(upstream, model=upstream_model, key=upstream_key, timeout=upstream_timeout)
        collections = [load_folder("demo", Path(documents)) if documents is not None else sample_collection()]
        services = self._services(state, endpoints or {}, collections)
        self._app = Gate(services, state, ControlAPI(self, self._files), chunk_delay, slow=upstream is not None)

    def _services(
        self, state: State, endpoints: Mapping[str, str], collections: list[Collection]
    ) -> list[Service]:
        # A new service is a module beside `ark` and a line here.
        links = Links()
        return [
            ArkService(
                self._credentials,
                endpoints,
                collections,
                state,
                links,
                self._files,
                self._upstream,
            ),
            links,
            ArkControlPlane(self._credentials),
            KnowledgeService(self._credentials, collections, self._upstream),
            V2Service(self._qianfan, self._upstream),
            V1Service(self._qianfan, self._upstream),
            OAuthService(self._qianfan),
            BearerService(self._qianfan),
        ]

    def start(self) -> Self:
        """Start listening; return when connections are accepted.

        Raises:
            OSError: The address cannot be bound.
            RuntimeError: The emulator is already running, or its thread failed.
        """
        if self._thread is not None:
            raise RuntimeError("This emulator is running already")
        listener = _bind(self._host, self._wanted_port)
        listening = threading.Event()
        # Logging configuration is process-wide, so it is left to the user.
        config = uvicorn.Config(
            self._app,
            http=_Connection,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            server_header=False,
            date_header=False,  # the gate adds it, from a clock that can be shifted
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            backlog=2048,
        )
        self._server = _Server(config, listening, self._upstream)
        self._thread = threading.Thread(
            target=self._server.run_until_stopped, args=(listener,), name="volcark-emulator", daemon=True
        )
        self._port = listener.getsockname()[1]
        self._thread.start()
        if not listening.wait(_START_TIMEOUT) or not self._server.started:
            self.stop()
            raise RuntimeError("The emulator's server did not start")
        return self

    def stop(self) -> None:
        """Close all connections and stop the server; does nothing if it is not running.

        Raises:
            RuntimeError: The server's thread did not stop.
        """
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(_STOP_TIMEOUT)
        alive = self._thread.is_alive()
        self._server = self._thread = self._port = None
        if alive:
            raise RuntimeError(f"The emulator's server did not end within {_STOP_TIMEOUT:g} s")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def files(self) -> Files:
        """The files uploaded to Ark, and controls of their processing."""
        return self._files

    def reset(self) -> None:
        """Clear recordings, unused controls and uploaded files, reset the clock, activate all tools."""
        super().reset()
        self._files.reset()

    @property
    def origin(self) -> str:
        """`http://host:port` of the running server."""
        if self._port is None:
            raise RuntimeError("The emulator is not running: call start() or use it in a with statement")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def ark_base_url(self) -> str:
        """Base URL of Ark's data plane: chat, models, tokenization."""
        return f"{self.origin}/api/v3"

    @property
    def control_base_url(self) -> str:
        """Base URL of Ark's control plane, which issues temporary keys for AK/SK."""
        return self.origin

    @property
    def knowledge_base_url(self) -> str:
        """Base URL of the VikingDB knowledge base: chat, search, packaged services, reranking."""
        return self.origin

    @property
    def service_api_key(self) -> str:
        """API key of the knowledge base's packaged services."""
        return self._credentials.service_api_key

    @property
    def qianfan_base_url(self) -> str:
        """Base URL of Qianfan's V2."""
        return f"{self.origin}/v2"

    @property
    def qianfan_v1_base_url(self) -> str:
        """Base URL of Qianfan's V1."""
        return f"{self.origin}{QIANFAN_V1_PREFIX.rstrip('/')}"

    @property
    def token_url(self) -> str:
        """URL that issues Qianfan V1 access tokens for `client_id` and `client_secret`."""
        return f"{self.origin}{OAUTH_PATH}"

    @property
    def iam_base_url(self) -> str:
        """Base URL that issues short-term V2 keys for `access_key` and `secret_key`."""
        return self.origin

    @property
    def qianfan_api_key(self) -> str:
        """API key of Qianfan V2."""
        return self._qianfan.api_key

    @property
    def qianfan_app_id(self) -> str:
        """The `appid` of the account with that key."""
        return self._qianfan.app_id

    @property
    def qianfan_access_token(self) -> str:
        """An access token that Qianfan's V1 accepts, until `expire_qianfan_tokens()`."""
        return self._qianfan.access_token

    @property
    def client_id(self) -> str:
        """The API Key of Qianfan's application."""
        return self._qianfan.client_id

    @property
    def client_secret(self) -> str:
        """The Secret Key of Qianfan's application."""
        return self._qianfan.client_secret

    def expire_qianfan_tokens(self) -> None:
        """Expire all Qianfan tokens and short-term keys issued so far."""
        self._qianfan.expire_tokens()

    @property
    def api_key(self) -> str:
        """API key of Ark."""
        return self._credentials.api_key

    @property
    def access_key(self) -> str:
        """Access key id for signed requests."""
        return self._credentials.access_key

    @property
    def secret_key(self) -> str:
        """Secret access key for signed requests."""
        return self._credentials.secret_key


def _bind(host: str, port: int) -> socket.socket:
    """Bind a socket, in the caller's thread, so that errors reach the caller."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm (40 ms per reply) only if the protocol is given.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there the option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"The emulator cannot listen on {host}:{port}: {error.strerror}") from error
    return listener
