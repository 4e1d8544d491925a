"""An OpenAI-compatible endpoint on a real socket that goes wrong on purpose, always the same way.

    python tests/generate/fault_server.py --port 8001 --seed 1 --rate 0.3

What goes wrong on the wire is drawn from (seed, request, how often it was sent before); what a
model gets wrong is drawn from (seed, request) alone, so that equal questions get equal answers in
whatever order they come. `Server.stats` counts what a bill would count.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

WIRE = ("500", "429", "503", "drop", "drop_half", "hang", "slow", "half_body", "wrong_body")
CONTENT = ("half_json", "wrong_shape", "repetition", "prose")


def draw(*parts: object) -> float:
    """Return a number in [0, 1) that depends on ``parts`` alone."""
    told = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big") / 2**64


@dataclass
class Stats:
    """arrived: requests received. answered: by request (hash of its body), answers delivered.
    faults: by name. most: requests under way at once. early: requests that came while a
    Retry-After was running. first, last: when the first and the last request came (seconds of the
    event loop's clock)."""

    arrived: int = 0
    answered: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    most: int = 0
    early: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass
class Server:
    """``with Server(...) as server:`` serves on ``server.url`` in a thread.

    brain:   content of the answer to (data, body); data is what the prompt was about.
    rate:    share of arrivals that go wrong on the wire; ``wire`` names how they may.
    bad:     share of questions whose first answer is faulty; ``hopeless`` of them for ever.
    hold:    answers delivered after which every request is kept waiting (see ``release``).
    windows: (arrivals, refused): after so many arrivals so many are refused with 429.
    refuse:  called with a body first; a (status, message, headers) is sent in place of an answer.
    """

    seed: int = 0
    brain: Callable[[dict, dict], str] = field(default=lambda data, body: brain(data, body))
    rate: float = 0.0
    wire: tuple[str, ...] = WIRE
    bad: float = 0.0
    hopeless: float = 0.0
    delay: float = 0.0
    retry_after: str = "0.2"
    hang: float = 30.0
    hold: int | None = None
    port: int = 0
    usage: bool = True
    refuse: Callable[[dict, dict], tuple[int, str, dict] | None] = lambda body, headers: None
    stats: Stats = field(default_factory=Stats)
    bodies: list[dict] = field(default_factory=list)
    keep_bodies: bool = True

    def __enter__(self) -> Server:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def release(self) -> None:
        self.hold = None
        self._loop.call_soon_threadsafe(self._held.set)

    async def _main(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._over, self._held = asyncio.Event(), asyncio.Event()
        self._sent: Counter = Counter()
        self._promised = 0  # answers that are on their way, or given
        self._under_way: set = set()
        self._closed_until = 0.0
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                fields = (line.partition(":") for line in head.split("\r\n")[1:])
                headers = {name.lower(): value.strip() for name, _, value in fields}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.stats.last = self._loop.time()
                self.stats.first = self.stats.first or self.stats.last
                self.stats.arrived += 1
                self._under_way.add(writer)
                self.stats.most = max(self.stats.most, len(self._under_way))
                if not await self._reply(body, headers, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._under_way.discard(writer)
            writer.close()

    async def _reply(
        self, raw: bytes, headers: dict, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; return whether the connection stays open."""
        body = json.loads(raw)
        if self.keep_bodies:
            self.bodies.append(body)
        mark = hashlib.sha256(raw).hexdigest()[:16]
        if self._loop.time() < self._closed_until:
            self.stats.early += 1
        if refusal := self.refuse(body, headers):
            status, message, more = refusal
            self.stats.faults[str(status)] += 1
            await self._send(writer, status, {"error": {"message": message}}, more)
            return True
        times, self._sent[mark] = self._sent[mark], self._sent[mark] + 1
        fault = None
        if draw(self.seed, "wire", mark, times) < self.rate:
            fault = self.wire[int(draw(self.seed, "which", mark, times) * len(self.wire))]
            self.stats.faults[fault] += 1
        if fault in ("500", "429", "503"):
            more = {"Retry-After": self.retry_after} if fault != "500" else {}
            if more:
                self._closed_until = self._loop.time() + float(self.retry_after)
            await self._send(writer, int(fault), {"error": {"message": f"fault {fault}"}}, more)
            return True
        if fault == "drop":
            return False
        if fault == "hang":
            await asyncio.sleep(self.hang)
            return False
        if fault == "endless":
            await self._endless(writer)
            return False
        if fault == "wrong_body":
            await self._send(writer, 200, [{"choices": "none"}])
            return True
        answers = fault in (None, "slow")
        # Of requests that come at once no more pass than are still to be answered.
        if self.hold is not None and self._promised >= self.hold and await self._gone(reader):
            return False
        self._promised += answers
        await asyncio.sleep(self.delay * (20 if fault == "slow" else 1))
        answer = json.dumps(self._answer(body), ensure_ascii=False).encode()
        if fault == "half_body":
            await self._send(writer, 200, answer[: len(answer) // 2])
            return True
        if fault == "drop_half":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer))
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            return False
        # Counted before it is written, so that a count read afterwards is never behind.
        self.stats.answered[mark] += 1
        await self._send(writer, 200, answer)
        return True

    async def _gone(self, reader: asyncio.StreamReader) -> bool:
        """Wait until answers are given again; return true where the client left before."""
        waits = [asyncio.ensure_future(one) for one in (self._held.wait(), reader.read(1))]
        done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in rest:
            one.cancel()
        return waits[1] in done

    async def _endless(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not self._over.is_set():
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    async def _send(
        self, writer: asyncio.StreamWriter, status: int, body: object, more: dict | None = None
    ) -> None:
        self._under_way.discard(writer)  # before the client can know
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [
            f"HTTP/1.1 {status} x",
            "Content-Type: application/json",
        ]
        lines += [f"Content-Length: {len(text)}", *(f"{k}: {v}" for k, v in (more or {}).items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        await writer.drain()

    def _answer(self, body: dict) -> dict:
        data, repairs = data_of(body)
        content, finish = self.brain(data, body), "stop"
        told = json.dumps(data, ensure_ascii=False, sort_keys=True)
        chance = draw(self.seed, "content", told)
        if chance < self.bad and (repairs == 0 or chance < self.hopeless):
            fault = CONTENT[int(draw(self.seed, "kind", told) * len(CONTENT))]
            self.stats.faults[fault] += 1
            content, finish = spoil(content, fault)
        limit = body.get("max_tokens") or body.get("max_completion_tokens")
        usage = {"prompt_tokens": 100, "completion_tokens": min(50, limit)}
        return {
            "id": "x",
            "object": "chat.completion",
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content},
                    "finish_reason": finish,
                }
            ],
            **({"usage": usage} if self.usage else {}),
        }


def spoil(content: str, fault: str) -> tuple[str, str]:
    """Return a faulty answer and its finish reason."""
    if fault == "half_json":
        return content[: len(content) // 2], "length"
    if fault == "wrong_shape":
        return '{"result": ["' + "是" * 20 + '"]}', "stop"
    if fault == "repetition":
        return '{"pairs": [{"question": "' + "桂枝汤治什么病？" * 60, "length"
    return "好的，下面是您要的内容。", "stop"


def data_of(body: dict) -> tuple[dict, int]:
    """Return what a request is about, and how many repairs it has behind it."""
    told = [json.loads(m["content"]) for m in body["messages"] if m["role"] == "user"]
    repairs = sum("complaint" in one for one in told)
    return next(one for one in reversed(told) if "complaint" not in one), repairs


def brain(data: dict, body: dict) -> str:
    """A model that does every task acceptably."""
    if "passage" in data:
        text = data["passage"][:30]
        pair = {
            "question": f"{data.get('title') or '此药'}有什么说法？",
            "answer": f"古人说：{text}",
        }
        return json.dumps({"pairs": [pair]}, ensure_ascii=False)
    if "classical" in data:
        return json.dumps({"modern": "今译：" + "，".join(data["classical"])}, ensure_ascii=False)
    if "answer_A" in data:
        one, other = len(data["answer_A"]), len(data["answer_B"])
        better = "A" if one > other else "B" if other > one else "tie"
        names = ("accuracy", "safety", "helpfulness", "fluency")
        return json.dumps(dict.fromkeys(names, better))
    if "answer" in data:
        defective = data["answer"].endswith("啊")
        told = {
            "verdict": "defective" if defective else "sound",
            "defects": ["语气词"] if defective else [],
        }
        return json.dumps(
            told | {"answer": data["answer"].rstrip("啊") + "。" if defective else ""},
            ensure_ascii=False,
        )
    said = data["conversation"][-1]["text"]
    mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:6]
    return json.dumps(
        {"answer": f"先测体温，多休息，若不见好请到医院就诊（{mark}）。{said[:4]}"},
        ensure_ascii=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.1)
    given = parser.parse_args()
    server = Server(
        seed=given.seed, rate=given.rate, bad=0.1, hopeless=0.02, port=given.port, keep_bodies=False
    )
    with server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
