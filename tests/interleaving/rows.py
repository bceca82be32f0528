"""Every command: those that change something, with what each promises where it ends with 0, and those that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509 import ocsp

from interleaving.world import serial_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold import Installation
    from anchorhold.ledger import AuthorityRecord
    from interleaving.world import World

READING: Final = frozenset(
    {
        "advise",
        "list-cas",
        "view-ca",
        "list-certs",
        "view-cert",
        "dump-crl",
        "backends",
        "serve",
        "desk",
        "history",
        "worker",
        "workers",
    }
)
"""Commands that change nothing; what they read is what the others leave."""
ALONE: Final = frozenset({"config", "new-backend", "new-wrapper", "profiles", "quickstart"})
"""Those that use no ledger, or make an installation of their own."""


@dataclass(frozen=True)
class Row:
    """One way to use a command.

    Attributes:
        arguments: Of the command; ``{name}`` stands for the serial number of the certificate in that file.
        promise: Raises unless what the command has said is so, once all have ended.
        spoils: Commands (their first two words) that make the promise void where they end with 0, too.
    """

    arguments: tuple[str, ...]
    promise: Callable[[World, Installation], None]
    spoils: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """For the table."""
        return " ".join(self.arguments)

    def words(self, world: World) -> tuple[str, ...]:
        """The arguments in a world."""
        return tuple(_serial(world, word) for word in self.arguments)


def _serial(world: World, word: str) -> str:
    return serial_of(world.folder / f"{word[1:-1]}.pem") if word.startswith("{") else word


def _active(name: str) -> Callable[[World, Installation], None]:
    def promise(_: World, installation: Installation) -> None:
        authority = installation.authorities.get(name)
        assert authority.record.status == "active", authority
        assert installation.keys.check(authority).condition == "usable", installation.keys.check(authority)

    return promise


def _gone(name: str) -> Callable[[World, Installation], None]:
    def promise(_: World, installation: Installation) -> None:
        assert name not in [authority.name for authority in installation.authorities.list()]

    return promise


def _requested(name: str) -> Callable[[World, Installation], None]:
    def promise(world: World, installation: Installation) -> None:
        assert (installation.authorities.get(name).record.plan or {}).get("csr")
        assert (world.folder / "asked.csr").exists()

    return promise


def _recorded(file: str) -> Callable[[World, Installation], None]:
    def promise(world: World, installation: Installation) -> None:
        der = x509.load_pem_x509_certificate((world.folder / file).read_bytes())
        assert installation.certificates.get(serial_of(world.folder / file)).status == "issued", der

    return promise


def _revoked(file: str, *, revoked: bool) -> Callable[[World, Installation], None]:
    def promise(world: World, installation: Installation) -> None:
        certificate = installation.certificates.get(serial_of(world.folder / file))
        assert (installation.revocations.get(certificate) is not None) == revoked

    return promise


def _of(name: str, check: Callable[[AuthorityRecord], bool]) -> Callable[[World, Installation], None]:
    def promise(_: World, installation: Installation) -> None:
        assert check(installation.authorities.get(name).record), installation.authorities.get(name).record

    return promise


def _kept(name: str, place: str) -> Callable[[World, Installation], None]:
    def promise(world: World, installation: Installation) -> None:
        _active(name)(world, installation)
        assert installation.authorities.get(name).record.key_backend == place

    return promise


def _nothing(*_: object) -> None:
    """What the general rules hold suffices."""


def _responding(_: World, installation: Installation) -> None:
    authority = installation.authorities.get("Root")
    assert not installation.responders.is_due(authority)


def _presigned(world: World, _: Installation) -> None:
    files = list((world.folder / "www").rglob("*.ors"))
    said = [ocsp.load_der_ocsp_response(file.read_bytes()).certificate_status for file in files]
    assert ocsp.OCSPCertStatus.GOOD in said
    assert ocsp.OCSPCertStatus.REVOKED in said


def _row(words: str, promise: Callable[[World, Installation], None], *spoils: str) -> Row:
    return Row(tuple(words.split()), promise, frozenset(spoils))


ROWS: Final = (
    _row("init-ca New CN=New", _active("New")),
    _row("init-ca New-Sub CN=New-Sub --parent=Root", _active("New-Sub")),
    _row("init-ca Asked CN=Asked --csr-out=asked.csr", _requested("Asked"), "recover --abandon=Asked"),
    _row("import-ca Foreign foreign.key foreign.pem", _active("Foreign")),
    _row("import-ca Waiting --signed=waiting.pem", _active("Waiting")),
    _row("import-cert unrecorded.pem --ca=Root", _recorded("unrecorded.pem")),
    _row("sign-cert --ca=Sub --csr=leaf.csr --alt=new.example.com --out=new.pem", _recorded("new.pem")),
    _row("revoke-cert {leaf}", _revoked("leaf.pem", revoked=True)),
    _row("revoke-cert {held} --release", _revoked("held.pem", revoked=False), "revoke-cert {held}"),
    _row("revoke-cert {held} --reason=keyCompromise", _revoked("held.pem", revoked=True)),
    _row("generate-crls Root Sub", _nothing),
    _row("regenerate-ocsp-keys Root --force", _responding),
    _row("generate-ocsp-responses Root Sub --to=www", _presigned),
    _row("maintain", _responding),
    _row("edit-ca Sub --disable", _of("Sub", lambda record: record.status == "disabled")),
    _row("edit-ca Sub --ocsp-url=http://ocsp", _of("Sub", lambda record: record.issuing.ocsp_urls == ("http://ocsp",))),
    _row("edit-ca Sub --max-days=9", _of("Sub", lambda record: record.issuing.max_days == 9)),
    _row("edit-ca Copied --rename=Renamed", _of("Renamed", lambda record: record.status == "active")),
    _row("move-key Root --to=other", _kept("Root", "other")),
    _row("move-key Root --to=other --delete-source", _kept("Root", "other")),
    _row("recover --finish=Torn", _active("Torn")),
    _row("recover --abandon=Torn", _gone("Torn")),
    _row("recover --finish=Moving", _kept("Moving", "other")),
    _row("recover --abandon=Moving", _active("Moving")),
    _row("recover --abandon=Waiting", _gone("Waiting")),
    _row("recover --certificates --older-than=0", _nothing),
    _row("recover --destroy-copies=Copied", _nothing),
)
"""Commands that change something."""

BESIDE: Final = (
    *ROWS,
    *(_row(f"recover --finish={name}", _nothing) for name in ("New", "New-Sub", "Asked", "Foreign", "Root")),
    *(_row(f"recover --abandon={name}", _nothing) for name in ("New", "New-Sub", "Asked", "Foreign", "Root")),
    _row("list-certs", _nothing),
    _row("list-cas", _nothing),
)
"""What runs beside them; with what may finish or destroy what they have begun."""
