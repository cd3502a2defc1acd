"""A line to the server with the delay of a distant one, which also counts what goes over it.

Bandwidth is not lowered: bytes are under way for a while, but as many at a time as both ends like. A new connection
costs a round trip before its first byte, as TCP's handshake does. TCP's slow start, TLS and lost packets are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_BLOCK = 256 * 1024
#: How many blocks may be under way in one direction of one connection.
_UNDER_WAY = 256


class RequestCounter:
    """Counts the HTTP requests in the bytes that a client sends over one connection."""

    def __init__(self) -> None:
        self.requests = 0
        self._head = b""
        self._body = 0
        self._chunked = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes, wherever they were cut."""
        while data:
            if self._body:
                taken = min(self._body, len(data))
                self._body -= taken
                data = data[taken:]
                continue
            head, end, data = (self._head + data).partition(b"\r\n" if self._chunked else b"\r\n\r\n")
            if not end:
                self._head = head
                return
            self._head = b""
            self._begin_chunk(head) if self._chunked else self._begin(head)

    def _begin(self, head: bytes) -> None:
        self.requests += 1
        fields = dict(line.lower().partition(b":")[::2] for line in head.split(b"\r\n")[1:])
        self._body = int(fields.get(b"content-length", b"0"))
        self._chunked = b"chunked" in fields.get(b"transfer-encoding", b"")

    def _begin_chunk(self, line: bytes) -> None:
        """A chunk ends with an empty line, which is skipped with it; the last one has no bytes."""
        size = int(line.partition(b";")[0], 16)
        self._body = size + 2
        self._chunked = size > 0


@dataclass
class Line:
    """An address that leads to the server, and what went over it: whole requests, and bytes with their headers."""

    url: str = ""
    sent: int = 0
    counters: list[RequestCounter] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(counter.requests for counter in self.counters)


@contextlib.contextmanager
def distant(url: str, round_trip: float) -> Iterator[Line]:
    """A line to the server at `url` over which a question and its answer are under way for `round_trip` seconds."""
    line, loop, ready = Line(), asyncio.new_event_loop(), threading.Event()
    relay = _Relay(line, urlsplit(url).hostname or "", urlsplit(url).port or 80, round_trip)
    thread = threading.Thread(target=lambda: loop.run_until_complete(relay.serve(ready)), name="distant line")
    thread.start()
    try:
        if not ready.wait(10):
            raise TimeoutError("The line to the server was not ready within ten seconds.")
        yield line
    finally:
        loop.call_soon_threadsafe(relay.stopped.set)
        thread.join()
        loop.close()


class _Relay:
    """Takes connections and passes on what comes, each block when its time has come."""

    def __init__(self, line: Line, host: str, port: int, round_trip: float) -> None:
        self.stopped = asyncio.Event()
        self._line, self._host, self._port, self._round_trip = line, host, port, round_trip

    async def serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_BLOCK)
        self._line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await self.stopped.wait()
        server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # a task that ends may leave one of its own
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        opened = asyncio.get_running_loop().time() + self._round_trip
        from_server, to_server = await asyncio.open_connection(self._host, self._port, limit=_BLOCK)
        counter = RequestCounter()
        self._line.counters.append(counter)
        try:
            await asyncio.gather(
                self._pass(from_client, to_server, opened, counter), self._pass(from_server, to_client, 0)
            )
        except (ConnectionError, asyncio.CancelledError):
            pass  # one end is gone, or the line is taken down; closing tells the others
        finally:
            to_client.close()
            to_server.close()

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        not_before: float,
        counter: RequestCounter | None = None,
    ) -> None:
        """Pass on all bytes of one direction, and then its end."""
        time = asyncio.get_running_loop().time
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)
        sending = asyncio.create_task(_send(under_way, target))
        try:
            while True:
                data = await source.read(_BLOCK)
                if counter:
                    counter.feed(data)
                    self._line.sent += len(data)
                arrival = max(time(), not_before) + self._round_trip / 2
                entry = asyncio.create_task(under_way.put((arrival, data)))
                # A target that is gone takes nothing any more: waiting for room alone would be for ever.
                await asyncio.wait({entry, sending}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done() or not data:
                    break
            await sending
        finally:
            sending.cancel()


async def _send(under_way: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter) -> None:
    """Send each block when its time has come; one without bytes is the end of this direction."""
    time = asyncio.get_running_loop().time
    while True:
        arrival, data = await under_way.get()
        if (left := arrival - time()) > 0:
            await asyncio.sleep(left)
        if not data:
            target.write_eof()
            return
        target.write(data)
        await target.drain()
