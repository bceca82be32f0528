"""What holds of an installation whatever has met in it, once all have ended and what is left was recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from anchorhold.ledger.certificates import CertificateFilter
from anchorhold.ledger.records import CLOSED

if TYPE_CHECKING:
    from collections.abc import Collection

    from anchorhold import Installation
    from anchorhold.ledger import AuthorityRecord
    from interleaving.world import Ended, World


def check_ending(ended: Ended) -> None:
    """It worked, or it says in one sentence why not; there was no defect, and it did not hang."""
    code = ended.code
    assert isinstance(code, int), ended
    assert code == 0 or code >= 10, ended  # 1 is a defect, 2 a wrong use of the command line
    if code:
        assert ended.talk.splitlines()[-1].startswith("anchorhold: "), ended


def recover(world: World, untouched: Collection[str] = ()) -> None:
    """Finish what can be finished, and abandon the rest, as the command advises.

    Args:
        world: Where.
        untouched: Authorities that nobody has meddled with; they stay as they are.
    """
    for name in _left(world, untouched):
        if world.run("recover", f"--finish={name}").code:
            ended = world.run("recover", f"--abandon={name}")
            assert ended.code == 0, ended
    assert _left(world, untouched) == []


def check_installation(world: World, installation: Installation) -> None:
    """Nothing is lost, nothing is twice, and no key lies about of which nobody knows."""
    _check_keys(installation)
    _check_certificates(installation)
    _check_places(world, installation)
    _check_claims(installation)


def _left(world: World, untouched: Collection[str]) -> list[str]:
    with world.opened() as installation:
        left = installation.recovery.pending()
        assert left.under_way == ()
        return [record.name for record in (*left.authorities, *left.moving) if record.name not in untouched]


def _check_keys(installation: Installation) -> None:
    for authority in installation.authorities.list():
        if authority.record.status in ("active", "disabled"):
            assert installation.keys.check(authority).condition == "usable", (
                authority,
                installation.keys.check(authority),
            )
    for authority in installation.authorities.list():
        active = installation.ledger.responders.active(authority.record.id)
        if active is not None:
            assert not installation.responders.is_due(authority), authority


def _check_certificates(installation: Installation) -> None:
    issued = installation.certificates.list(wanted=CertificateFilter(expired=True), limit=1000)
    assert len({(one.authority_id, one.serial) for one in issued}) == len(issued)
    of_authorities = [one.subject for one in issued if one.profile == "authority"]
    assert len(set(of_authorities)) == len(of_authorities), of_authorities
    for authority in installation.authorities.list():
        if authority.record.certificate is not None:
            crl = installation.crls.latest(authority)
            if crl is not None:
                x509.load_der_x509_crl(crl.der)


def _check_places(world: World, installation: Installation) -> None:
    ledger = installation.ledger
    known = {copy.key_id.hex() for copy in ledger.key_copies.all()}
    for record in ledger.authorities.all_known():
        known |= {record.key_id.hex(), *_moving(record)}
        known |= {one.key_id.hex() for one in ledger.responders.of(record.id) if one.status not in CLOSED}
    there = world.key_files()
    assert there <= known, there - known


def _moving(record: AuthorityRecord) -> set[str]:
    """Ids of the keys that a plan to move names."""
    plan = record.plan or {}
    return {plan["key_id"]} if "key_id" in plan else {plan["from"]["key_id"]} if "from" in plan else set()


def _check_claims(installation: Installation) -> None:
    ledger = installation.ledger
    for record in ledger.authorities.all_known():
        assert ledger.claims.of(f"authority {record.id}") is None
