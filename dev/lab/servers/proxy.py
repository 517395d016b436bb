"""A TCP proxy that makes the loopback as slow and as unreliable as a network."""

import asyncio
import random
from dataclasses import dataclass, field

from lab.host import ports
from lab.host.background import LoopThread

_CHUNK = 65536


class Proxy:
    """Forwards a port of 127.0.0.1 to another one and disturbs it on demand; all but the ports may change meanwhile.

    :param target_port: where connections go
    :param delay_ms: each packet takes this many milliseconds, so an answer comes after twice that time
    :param cut_after: None, or (minimum, maximum): each connection is cut after a random number of bytes in this range
    :param mode: "forward", "refuse" (nobody listens) or "black-hole" (connections are accepted, nobody ever answers)
    :param seed: of the random numbers, so that a run can be repeated
    """

    def __init__(self, target_port, *, delay_ms=0, cut_after=None, mode="forward", seed=0, port=None):
        self.target_port = target_port
        self.port = port or ports.any_free()
        self.delay_ms = delay_ms
        self.cut_after = cut_after
        self.connections = 0
        self.cuts = 0
        self._mode = mode
        self._random = random.Random(seed)
        self._open = set()
        self._server = None
        self._thread = None

    def start(self):
        """Start to listen, unless the mode is "refuse"."""
        self._thread = LoopThread(f"proxy {self.port}")
        self.mode = self._mode
        return self

    def stop(self):
        """Cut all connections and stop listening."""
        if self._thread:
            self.mode = "refuse"
            self.cut_all()
            self._thread.stop()
            self._thread = None

    @property
    def mode(self):
        """What the proxy does with new connections."""
        return self._mode

    @mode.setter
    def mode(self, mode):
        if mode not in ("forward", "refuse", "black-hole"):
            raise ValueError(f"no such mode: {mode}")
        self._mode = mode
        self._thread.run(self._listen(mode != "refuse"))

    def cut_all(self):
        """Cut all open connections, even in the middle of a transfer."""
        self._thread.run(self._cut_all())

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    async def _listen(self, wanted):
        if wanted and not self._server:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        elif not wanted and self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _accept(self, reader, writer):
        self.connections += 1
        connection = _Connection({writer}, self._allowance())
        self._open.add(connection)
        try:
            if self._mode == "black-hole":
                await _swallow(reader)
            else:
                await self._forward(connection, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # One side has closed the connection, or the proxy ends; `finally` closes the other side.
        finally:
            self._open.discard(connection)
            connection.close()

    async def _forward(self, connection, reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
        connection.writers.add(back)
        await asyncio.gather(self._carry(connection, reader, back), self._carry(connection, there, writer))

    async def _carry(self, connection, reader, writer):
        """Forward one direction; packets wait for their time in a queue, so that the delay costs no throughput."""
        queue = asyncio.Queue()
        sender = asyncio.create_task(_send_when_due(queue, writer))
        try:
            while data := await reader.read(_CHUNK):
                data = self._cut(connection, data)
                queue.put_nowait((asyncio.get_running_loop().time() + self.delay_ms / 1000, data))
            queue.put_nowait((asyncio.get_running_loop().time() + self.delay_ms / 1000, None))
            await sender
        finally:
            sender.cancel()

    def _allowance(self):
        return self._random.randint(*self.cut_after) if self.cut_after else None

    def _cut(self, connection, data):
        if connection.allowance is None:
            return data
        connection.allowance -= len(data)
        if connection.allowance < 0:
            self.cuts += 1
            connection.abort()
            raise ConnectionAbortedError
        return data

    async def _cut_all(self):
        for connection in tuple(self._open):
            connection.abort()


@dataclass(eq=False)
class _Connection:
    writers: set
    # The bytes that it may still carry, in both directions together; None for any number.
    allowance: int | None = field(default=None)

    def abort(self):
        for writer in self.writers:
            writer.transport.abort()

    def close(self):
        for writer in self.writers:
            writer.close()


async def _send_when_due(queue, writer):
    while True:
        due, data = await queue.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        if data is None:
            writer.write_eof()
            return
        writer.write(data)
        await writer.drain()


async def _swallow(reader):
    while await reader.read(_CHUNK):
        pass
