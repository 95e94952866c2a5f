"""Credentials of a Qianfan account, and the tokens issued to it."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

LIFETIME = 2_592_000


@dataclass
class QianfanAccount:
    """Fixed keys, and tokens that expire.

    Attributes:
        api_key: API key of V2.
        app_id: The only application of the account.
        client_id: The application's API Key.
        client_secret: The application's Secret Key.
        access_key: IAM access key.
        secret_key: IAM secret key.
        access_token: A V1 token that is valid from the start.
    """

    api_key: str
    client_id: str
    client_secret: str
    access_key: str
    secret_key: str
    app_id: str = "app-emulator"
    access_token: str = ""
    _access_tokens: dict[str, float] = field(default_factory=dict)
    _bearers: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.access_token = self.access_token or _new_access_token()
        self._access_tokens[self.access_token] = time.time() + LIFETIME

    def issue_access_token(self) -> str:
        """Issue a V1 token that is valid for 30 days."""
        token = _new_access_token()
        with self._lock:
            self._access_tokens[token] = time.time() + LIFETIME
        return token

    def issue_bearer(self, seconds: int) -> str:
        """Issue a short-term V2 key."""
        token = f"bce-v3/ALTAK-short/{secrets.token_hex(20)}"
        with self._lock:
            self._bearers[token] = time.time() + seconds
        return token

    def expire_tokens(self) -> None:
        """Expire all tokens issued so far."""
        with self._lock:
            for tokens in (self._access_tokens, self._bearers):
                tokens.update(dict.fromkeys(tokens, 0.0))

    def access_token_state(self, token: str) -> str:
        """Return `valid`, `expired` or `unknown`."""
        with self._lock:
            end = self._access_tokens.get(token)
        return "unknown" if end is None else "valid" if time.time() < end else "expired"

    def accepts_bearer(self, token: str) -> bool:
        """Whether V2 accepts this key."""
        with self._lock:
            return token == self.api_key or time.time() < self._bearers.get(token, 0.0)


def _new_access_token() -> str:
    return f"24.{secrets.token_hex(16)}.{LIFETIME}.{int(time.time()) + LIFETIME}.282335-00000001"
