"""An authority is a name and a key: a second certificate of one is no second authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from anchorhold import errors
from anchorhold.operations.key_location import KeyLocation
from anchorhold.operations.key_sources import find_adoptable_key
from anchorhold.plugin import CreatedKey, KeyHandle
from cli.cli_steps import good, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import Secrets
    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the ledger refuses the same authority twice")

AUTHORITY = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
NEW = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@pytest.mark.parametrize("subject", ["/O=Example/CN=New Root", "/O=EXAMPLE/CN=New  root"])
def test_a_cross_certificate_is_no_second_authority(anchorhold: Command, tmp_path: Path, subject: str) -> None:
    """Both would make complete CRLs of one issuer, each without what the other has revoked (RFC 5280, section 5)."""
    openssl(*NEW, "-x509", "-keyout", "a.key", "-out", "a.pem", "-subj", "/O=Example/CN=New Root", *AUTHORITY)
    openssl("req", "-new", "-x509", "-key", "a.key", "-out", "b.pem", "-subj", subject, *AUTHORITY)
    good(anchorhold("import-ca", "New", "a.key", "a.pem"))
    refused(anchorhold("import-ca", "Twin", "a.key", "b.pem"), errors.AuthorityExistsError, "'New'", "name and key")
    good(anchorhold("edit-ca", "New", "--disable"))
    refused(anchorhold("import-ca", "Twin", "a.key", "b.pem"), errors.AuthorityExistsError, "'New'", "name and key")
    assert not (tmp_path / "ca" / "keys" / "Twin").exists()


@pytest.mark.parametrize("other", ["key", "name"])
def test_another_key_or_another_name_is_another_authority(anchorhold: Command, other: str) -> None:
    openssl(*NEW, "-x509", "-keyout", "a.key", "-out", "a.pem", "-subj", "/CN=Root", *AUTHORITY)
    good(anchorhold("import-ca", "New", "a.key", "a.pem"))
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "b.key")
    how = key if other == "key" else ("-key", "a.key")
    subject = "/CN=Root" if other == "key" else "/CN=Another Root"
    openssl("req", "-new", "-x509", *how, "-out", "b.pem", "-subj", subject, *AUTHORITY)
    good(anchorhold("import-ca", "Other", "b.key" if other == "key" else "a.key", "b.pem"))


@pytest.mark.parametrize(("exponent", "size"), [(3, 2048), (65537, 1024)])
def test_a_weak_key_is_not_adopted(exponent: int, size: int) -> None:
    """What is not imported is not adopted either."""
    key = rsa.generate_private_key(public_exponent=exponent, key_size=size)  # it is to be refused
    found = CreatedKey(handle=KeyHandle(version=1, data={}), public_key=key.public_key())
    place = KeyLocation(
        backend=cast("KeyBackend", _Having(found)), type="fake", secrets=cast("Secrets", None), options={}
    )
    with pytest.raises(errors.WeakKeyError, match="key to adopt"):
        find_adoptable_key(place)


class _Having:
    owner = "a token"

    def __init__(self, found: CreatedKey) -> None:
        self._found = found

    def find_key(self, *_: object) -> tuple[CreatedKey, ...]:
        return (self._found,)
