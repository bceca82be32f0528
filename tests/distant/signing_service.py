"""``python signing_service.py``: a signing service of its own process, as far away and as busy as it is told to be.

It prints its port. ``/plan`` says what becomes of the next signatures; ``/seen`` what became of the ones before.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEEN = ("sessions", "requests", "signatures", "most_at_once")
"""What is counted."""


@dataclass
class Service:
    """Keys, sessions, and how signatures fare.

    Attributes:
        latency: Seconds that each request for signatures takes.
        plan: For the next signatures: ``ok``, ``busy``, ``over``, ``lost`` (signed, but no answer), ``die``, ``hang``.
        retry_after: Seconds that it asks a client to wait where the plan says ``busy``.
        refuse_pin: Whether it opens no session.
        die_after: The process ends when it has answered that many.
        holds: How many requests for signatures it serves at once; the others wait.
    """

    latency: float = 0.0
    holds: int = 16
    die_after: int | None = None
    retry_after: float = 0.05
    refuse_pin: bool = False
    plan: list[str] = field(default_factory=list)
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    seen: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SEEN, 0))
    in_flight: int = 0
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(16))

    async def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and content for a request."""
        action, _, name = path.lstrip("/").partition("/")
        answers: dict[str, Any] = {"create": self.create, "key": self.key, "delete": self.delete, "open": self.open}
        if action in answers:
            status, content = answers[action](name)
            return status, content
        if action == "seen":
            return 200, json.dumps(self.seen).encode()
        if action == "plan":
            for member, value in json.loads(body).items():
                setattr(self, member, value)
            self.room = asyncio.Semaphore(self.holds)
            return 200, b""
        session, _, name = name.partition("/")
        messages = [bytes.fromhex(text) for text in json.loads(body)] if action == "batch" else [body]
        return await self.sign(session, name, messages, batch=action == "batch")

    def create(self, name: str) -> tuple[int, bytes]:
        """A new key."""
        if name in self.keys:
            return 409, b""
        self.keys[name] = ec.generate_private_key(ec.SECP256R1())
        return self.key(name)

    def key(self, name: str) -> tuple[int, bytes]:
        """The public half."""
        if name not in self.keys:
            return 404, b""
        return 200, self.keys[name].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def delete(self, name: str) -> tuple[int, bytes]:
        """Destroy a key."""
        return (404 if self.keys.pop(name, None) is None else 200), b""

    def open(self, _: str) -> tuple[int, bytes]:
        """A new session."""
        self.seen["sessions"] += 1
        if self.refuse_pin:
            return 403, b""
        session = secrets.token_hex(8)
        self.sessions.add(session)
        return 200, session.encode()

    async def sign(self, session: str, name: str, messages: list[bytes], *, batch: bool) -> tuple[int, bytes]:
        """Signatures, after the latency."""
        self.in_flight += 1
        self.seen["requests"] += 1
        self.seen["most_at_once"] = max(self.seen["most_at_once"], self.in_flight)
        try:
            async with self.room:
                await asyncio.sleep(self.latency)
            fate = self.plan.pop(0) if self.plan else "ok"
            if session not in self.sessions:
                return 401, b""
            if fate == "over":
                self.sessions.clear()
                return 401, b""
            if fate == "busy":
                return 429, str(self.retry_after).encode()
            if fate == "hang":
                await asyncio.sleep(30)
            made = [self.keys[name].sign(message, ec.ECDSA(hashes.SHA256())) for message in messages]
            self.seen["signatures"] += len(made)
            if fate in ("lost", "die"):
                return (0 if fate == "lost" else -1), b""
            if self.die_after is not None and self.seen["signatures"] > self.die_after:
                return -1, b""
            return 200, json.dumps([signature.hex() for signature in made]).encode() if batch else made[0]
        finally:
            self.in_flight -= 1


async def serve() -> None:
    """Serve until killed."""
    service = Service()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                length = 0
                while (header := await reader.readline()).strip():
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                body = await reader.readexactly(length)
                status, content = await service.answer(line.split()[1].decode(), body)
                if status < 0:
                    os._exit(1)
                if status == 0:
                    break
                head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n"
                writer.write(head.encode() + content)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, as it may
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
