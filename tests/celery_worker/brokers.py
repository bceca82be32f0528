"""Throw-away brokers: Redis and RabbitMQ in folders, with passwords that must be shown nowhere."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import redis

from programs import program
from storages.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_numbers = iter(range(1_000_000))
PASSWORD: Final = "hunter2-of-the-broker"
"""Of both brokers."""
_RABBIT: Final = """
listeners.tcp.1 = 127.0.0.1:{port}
default_user = anchorhold
default_pass = {password}
vm_memory_high_watermark.absolute = 200MB
disk_free_limit.absolute = 10MB
log.console = false
log.file.level = error
"""
_ERLANG: Final = "+S 1:1 +A 4 +sbwt none +sbwtdcpu none +sbwtdio none"


@dataclass
class Broker:
    """A broker that tests may kill and start again.

    Attributes:
        folder: Of all that it writes.
        port: On 127.0.0.1.
        url: With its password.
        command: Starts it in the foreground.
        variables: Of its environment.
    """

    folder: Path
    port: int
    url: str
    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    def separate(self) -> str:
        """The URL of a part of a Redis whose queues no other test has."""
        return f"{self.url.removesuffix('/0')}/{next(_numbers) % 15 + 1}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=os.environ | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self.answers(), 40, f"{self.command[0]} does not answer: {self.log()}")

    def answers(self) -> bool:
        """Whether clients are served."""
        if self.url.startswith("redis"):
            try:
                return bool(redis.Redis.from_url(self.url).ping())
            except redis.RedisError:
                return False
        from kombu.connection import Connection

        with suppress(Exception), Connection(self.url, connect_timeout=2) as connection:
            connection.connect()
            return True
        return False

    def kill(self) -> None:
        """End it at once, with all of its processes."""
        if self.running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]


@contextmanager
def running_redis(*options: str) -> Iterator[Broker]:
    """A Redis without persistence, unless options say otherwise."""
    with _folder("redis") as folder:
        port = free_port()
        keep = options or ("--save", "", "--appendonly", "no")
        command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        broker = Broker(
            folder, port, f"redis://:{PASSWORD}@127.0.0.1:{port}/0", [*command, "--requirepass", PASSWORD, *keep]
        )
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


@contextmanager
def running_rabbitmq(*lines: str) -> Iterator[Broker]:
    """A RabbitMQ node of its own, with its own port mapper and no plugins; lines are added to its configuration."""
    program("rabbitmq-server")
    (script,) = sorted(Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server"))[-1:]
    with _folder("rabbit") as folder:
        port, mapper, distribution = free_port(), free_port(), free_port()
        (folder / "rabbitmq.conf").write_text(_RABBIT.format(port=port, password=PASSWORD) + "\n".join(lines) + "\n")
        (folder / "plugins").write_text("[].\n")
        variables = {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"anchorhold{port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }
        broker = Broker(folder, port, f"amqp://anchorhold:{PASSWORD}@127.0.0.1:{port}//", [str(script)], variables)
        try:
            broker.start()
            yield broker
        finally:
            broker.kill()
            end_mapper = [program("epmd", "erlang-base"), "-port", str(mapper), "-kill"]
            wait_until(lambda: _is_done(end_mapper), 10, "the port mapper of Erlang does not end")


def _is_done(command: list[str]) -> bool:
    """Whether a port mapper is ended, or is gone; it refuses while it believes that its node lives."""
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return "Killed" in told.stdout or "Cannot connect" in told.stdout + told.stderr


def wait_until(happened: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something; the test fails with a sentence if it does not happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """A short path, for sockets."""
    folder = Path(tempfile.mkdtemp(prefix=f"anchorhold-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(name: str) -> None:
    """Run a broker until standard input ends; its URL is printed."""
    with {"Redis": running_redis, "RabbitMQ": running_rabbitmq}[name]() as broker:
        print(broker.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
