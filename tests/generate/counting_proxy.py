"""A proxy before a model server that counts what a bill would count, and can hold requests back."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """``with Proxy(port) as proxy:`` forwards ``proxy.url`` to a server on this machine.

    hold:      forward no more than so many requests until it is raised; the rest wait.
    forwarded: by request (hash of its body), how often it reached the server.
    answered:  by request, how often the server's answer was passed on whole.
    """

    server_port: int
    hold: int | None = None
    forwarded: Counter = field(default_factory=Counter)
    answered: Counter = field(default_factory=Counter)

    def __enter__(self) -> Proxy:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    async def _main(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                while self.hold is not None and self.forwarded.total() >= self.hold:
                    if _gone(reader):
                        return
                    await asyncio.sleep(0.01)
                mark = hashlib.sha256(body).hexdigest()[:16]
                self.forwarded[mark] += 1
                answer = await self._ask(head, body)
                if _gone(reader):
                    return
                writer.write(answer)
                await writer.drain()
                self.answered[mark] += 1
                if b"\r\nConnection: close" in answer:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        lines = [x for x in head.split(b"\r\n") if not x.lower().startswith(b"connection:")]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        try:
            writer.write(b"\r\n".join([*lines[:-2], b"Connection: close", b"", b""]) + body)
            await writer.drain()
            answer = await reader.read()  # to the end of the connection
        finally:
            writer.close()
        return answer


def _gone(reader: asyncio.StreamReader) -> bool:
    """Whether the client has hung up."""
    return reader.at_eof() or reader.exception() is not None


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
