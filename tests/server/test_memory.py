"""What is remembered stays within its bound, whatever is asked."""

from __future__ import annotations

import asyncio
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold_server.components import Components
from server.serving import SHA1

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold_server.metrics import Metrics
    from anchorhold_server.ocsp_responder import OcspResponder
    from server.serving import House

pytestmark = pytest.mark.databases("sqlite", because="it is about the memory of a worker")


def hits(metrics: Metrics) -> float:
    """How many requests were answered from the cache."""
    text, _ = metrics.exposition((), "")
    lines = (line.split() for line in text.decode().splitlines())
    return next(float(value) for name, value, *_ in lines if name == "anchorhold_ocsp_cache_hits_total")


def long_requests(house: House, count: int) -> Iterator[bytes]:
    """Requests for one certificate, all different, of nearly the greatest length."""
    for number in range(count):
        filling = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), number.to_bytes(3800, "big"))
        builder = ocsp.OCSPRequestBuilder().add_certificate(house.leaf, house.authority.certificate, SHA1)
        yield builder.add_extension(filling, critical=False).build().public_bytes(Encoding.DER)


def test_long_requests_for_one_certificate_are_answered_and_not_remembered(house: House, tmp_path: Path) -> None:
    async def grown(responder: OcspResponder, count: int) -> int:
        """Octets by which memory has grown after so many requests."""
        before, _ = tracemalloc.get_traced_memory()
        for request in long_requests(house, count):
            assert (await responder.respond(request)).outcome == "good"
        after, _ = tracemalloc.get_traced_memory()
        return after - before

    async def scenario(threads: ThreadPoolExecutor) -> None:
        responder = Components.of(installation, tmp_path, threads).responder
        tracemalloc.start()
        try:
            await grown(responder, 10)
            assert await grown(responder, 300) < 100_000  # they have 1,140,000
        finally:
            tracemalloc.stop()

    with house.opened() as installation, ThreadPoolExecutor(1) as threads:
        asyncio.run(scenario(threads))
        threads.submit(installation.ledger.close).result(10)  # the connection of that thread


def test_the_responses_of_so_many_certificates_are_kept_and_of_no_more(house: House, tmp_path: Path) -> None:
    first, second, third = (house.request(house.sign()) for _ in range(3))

    async def scenario(threads: ThreadPoolExecutor) -> None:
        components = Components.of(installation, tmp_path, threads, cache_size=2)

        async def is_kept(request: bytes) -> bool:
            before = hits(components.metrics)
            assert (await components.responder.respond(request)).outcome == "good"
            return hits(components.metrics) == before + 1

        asked = [first, first, second, third, first, third, second]
        assert [await is_kept(request) for request in asked] == [False, True, False, False, False, True, False]

    with house.opened() as installation, ThreadPoolExecutor(1) as threads:
        asyncio.run(scenario(threads))
        threads.submit(installation.ledger.close).result(10)  # the connection of that thread
