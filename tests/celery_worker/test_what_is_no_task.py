"""Who reaches the broker writes what is no request: the worker goes on, and its log shows nothing of it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import redis

from anchorhold_celery.messages import TASK, seal
from celery_worker.wire import Wire

if TYPE_CHECKING:
    from celery_worker.two_hosts import TwoHosts, Worker

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")

MARK = "a-mark-in-a-message"
QUEUE = "anchorhold.ca.default"
HEADERS: list[dict[str, Any]] = [
    *({"eta": value} for value in (MARK, 12)),
    *({"expires": value} for value in (MARK, [MARK])),
    *({"timelimit": value} for value in (MARK, [1, 2, 3], ["a", MARK], [0.001, 0.001])),
    {"id": f"x\n{MARK}"},
    {"id": "1" * 9999},
    {"shadow": f"x\n{MARK}"},
    {"retries": MARK},
    {"compression": MARK},
    {"stamped_headers": MARK, "stamps": MARK},
    {"group": MARK, "group_index": MARK},
    {"ignore_result": True},
]
BODIES = [
    json.dumps([["x"], {}, {"callbacks": [{"task": TASK, "args": [MARK], "kwargs": {}, "options": {}}]}]).encode(),
    json.dumps([["x"], {}, {"errbacks": [MARK], "chain": [MARK], "chord": MARK}]).encode(),
    json.dumps([[], {"task": MARK, "self": 1}, {}]).encode(),
    b"[[" + b"[" * 900 + b"]" * 900 + b"],{},{}]",
    b'[["\xff\xfe"],{},{}]',
]
OTHERS: list[dict[str, Any]] = [
    {"content-encoding": "rot13"},
    {"content-encoding": 7},
    {"properties": {"delivery_info": {}}},
    {"properties": {"delivery_info": [1], "delivery_tag": "1"}},
    {"properties": {"delivery_info": {}, "delivery_tag": "2", "body_encoding": MARK}},
]
RAW = [b"\xff\xfe" + MARK.encode(), b"12", b"[]", b"{}", b"[" * 100_000, b'{"body": "x", "headers": {}}']


def envelope(wire: Wire, headers: dict[str, Any], body: bytes | None, other: dict[str, Any]) -> bytes:
    """A request as Celery puts it into a Redis, but for what is given."""
    request = wire.request("check_place", {})
    message = seal(request.to_body(), wire.hosts.peer_key, "request")
    usual = {
        "body": b64encode(body or json.dumps([[message], {}, {}]).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": TASK, "id": request.id, **headers},
        "properties": {
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    return json.dumps({**usual, **other}).encode()


def test_the_worker_goes_on(hosts: TwoHosts, worker: Worker) -> None:
    with hosts.open() as front, redis.Redis.from_url(hosts.broker) as broker:
        front.ledger.close()
        wire = Wire(hosts, front)
        given = [
            *(envelope(wire, headers, None, {}) for headers in HEADERS),
            *(envelope(wire, {}, body, {}) for body in BODIES),
            *(envelope(wire, {}, None, other) for other in OTHERS),
            *RAW,
        ]
        for each in given:
            broker.lpush(QUEUE, each)
            assert wire.ask(wire.request("check_place", {})) == {"not_checked": []}
        assert worker.process.poll() is None
        assert broker.llen(QUEUE) == 0
    for shown in (MARK, "begins again"):
        assert shown not in worker.log
