"""The credentials that an emulator accepts: fixed keys, and temporary keys it has issued."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TemporaryKey:
    """A temporary key from `GetApiKey`: its resources and expiry time (Unix seconds)."""

    value: str
    resources: frozenset[str]
    expires_at: int


@dataclass
class Credentials:
    """The fixed credentials, and the temporary keys by value."""

    api_key: str
    access_key: str
    secret_key: str
    temporary_keys: dict[str, TemporaryKey] = field(default_factory=dict)
    service_api_key: str = field(default_factory=lambda: f"kb-key-{secrets.token_hex(16)}")

    def issue(self, resources: frozenset[str], seconds: int) -> TemporaryKey:
        """Make a temporary key for these endpoints, bots or models."""
        key = TemporaryKey(f"temporary-{secrets.token_hex(16)}", resources, int(time.time()) + seconds)
        self.temporary_keys[key.value] = key
        return key
