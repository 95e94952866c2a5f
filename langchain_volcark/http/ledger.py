"""Who holds which connection of a pool: the part of `http.pool` without I/O, locks or clocks."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import TypeAlias

    Key: TypeAlias = tuple[bytes, bytes, int]  # scheme, host, port

LinkT = TypeVar("LinkT")

KEEPALIVE_EXPIRY = 300.0
"""Seconds until an idle connection is closed, at the next request. Long, so that someone who thinks between two
questions does not pay for a TLS handshake with each."""


class Lease(Generic[LinkT]):
    """The right to one connection: held by a request, or waited for.

    Attributes:
        key: Where to.
        link: The connection. None on a granted lease means: open a fresh one.
        granted: False while the lease waits for its turn.
        returned: Whether the ledger has it back.
        wake: Called when a lease that had to wait is granted.
    """

    __slots__ = ("granted", "key", "link", "returned", "wake")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.link: LinkT | None = None
        self.granted = False
        self.returned = False
        self.wake: Callable[[], object] | None = None

    def grant(self, link: LinkT | None) -> None:
        """Let the holder go on."""
        self.link, self.granted = link, True
        if self.wake is not None:
            self.wake()


class Ledger(Generic[LinkT]):
    """Who holds which connection: free lists, caps, expiry and the queue. No I/O, no locks."""

    def __init__(self, max_connections: int, max_idle: int, keepalive_expiry: float) -> None:
        if max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {max_connections}")
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._expiry = keepalive_expiry
        self._free: dict[Key, deque[tuple[float, LinkT]]] = {}  # oldest left, most recently used right
        # An ordered dict, because one of a thousand waiters may leave from the middle.
        self._queue: OrderedDict[Lease[LinkT], None] = OrderedDict()
        # The leases themselves: a stream forgotten in a cycle must find its connection alive when it is collected.
        self._held: set[Lease[LinkT]] = set()
        self._closed = False
        self.idle = 0

    @property
    def active(self) -> int:
        """How many leases are held."""
        return len(self._held)

    def why_none(self) -> str:
        """Why a request got no connection."""
        return (
            f"all {self._max_connections:,} connections of the pool stayed in use (max_connections), and "
            f"{len(self._queue):,} more requests wait"
        )

    def take(self, key: Key, now: float) -> tuple[Lease[LinkT], list[LinkT]]:
        """Grant a lease, or queue it, and name the connections to close."""
        if self._closed:
            raise RuntimeError("The transport has been closed")
        lease: Lease[LinkT] = Lease(key)
        closing = self._expired(now)
        active = len(self._held)
        if active >= self._max_connections:
            self._queue[lease] = None
            return lease, closing
        free = self._free.get(key)
        if free:
            self.idle -= 1
            lease.grant(free.pop()[1])
        else:
            if active + self.idle >= self._max_connections:
                closing.append(self._oldest())
            lease.grant(None)
        self._held.add(lease)
        return lease, closing

    def give(self, lease: Lease[LinkT], now: float, *, keep: bool) -> list[LinkT]:
        """Take a lease back, serve the next in the queue, and name the connections to close."""
        if lease.returned:
            return []
        lease.returned = True
        self._held.discard(lease)
        link, lease.link = lease.link, None
        closing = self._expired(now)
        if self._queue:
            heir, _ = self._queue.popitem(last=False)
            self._held.add(heir)
            if keep and link is not None and heir.key == lease.key and not self._closed:
                heir.grant(link)
                return closing
            heir.grant(None)
            keep = False
        if link is None:
            return closing
        if keep and not self._closed:
            self._free.setdefault(lease.key, deque()).append((now, link))
            self.idle += 1
            if self.idle > self._max_idle:
                closing.append(self._oldest())
        else:
            closing.append(link)
        return closing

    def withdraw(self, lease: Lease[LinkT]) -> bool:
        """Leave the queue. False if the lease has been granted meanwhile."""
        self._queue.pop(lease, None)
        return not lease.granted

    def close(self) -> list[LinkT]:
        """Refuse new leases and name all idle connections. Leases in the queue are still served."""
        self._closed = True
        links = [link for free in self._free.values() for _, link in free]
        self._free.clear()
        self.idle = 0
        return links

    def _expired(self, now: float) -> list[LinkT]:
        horizon = now - self._expiry
        expired = []
        for key in [key for key, free in self._free.items() if not free or free[0][0] <= horizon]:
            free = self._free[key]
            while free and free[0][0] <= horizon:
                expired.append(free.popleft()[1])
            if not free:
                del self._free[key]
        self.idle -= len(expired)
        return expired

    def _oldest(self) -> LinkT:
        free = min((free for free in self._free.values() if free), key=lambda free: free[0][0])
        self.idle -= 1
        return free.popleft()[1]


def set_result_once(future: asyncio.Future[bool], value: bool) -> None:
    """Give a future its result, unless it has one or was cancelled."""
    if not future.done():
        future.set_result(value)
