"""The Python client: a request by two people, each method once, and errors with their code."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold_desk.client import DeskClient, DeskError
from anchorhold_desk.roles import Role

if TYPE_CHECKING:
    from conftest import MakeCsr
    from desk.desk_house import House


@pytest.mark.usefixtures("desk")
def test_each_method_does_what_the_api_does(desk_house: House, make_csr: MakeCsr) -> None:
    csr, names = make_csr().decode(), ["www.example.com"]
    rita, paul = desk_house.person("rita", Role.REQUESTER), desk_house.person("paul", *Role)
    with DeskClient(desk_house.url, rita.token) as requester, DeskClient(desk_house.url, paul.token) as approver:
        assert requester.me().name == "rita"
        assert rita.token not in repr(requester)
        assert {found.name for found in requester.authorities()} == {"Root", "Issuing", "Twofold", "Direct"}
        kept = requester.submit("Issuing", csr, names=names, key="a-key")
        assert requester.submit("Issuing", csr, names=names, key="a-key") == kept
        with pytest.raises(DeskError, match="have it approved") as early:
            approver.sign(kept.number)
        assert (early.value.status, early.value.code) == (409, "wrong-state")
        issued = approver.approve(kept.number)
        assert (issued.status, issued.approved_by) == ("issued", ["paul"])
        assert requester.request(kept.number) == issued
        serial = issued.serial or ""
        der = requester.certificate_der(serial)
        first, *above = x509.load_pem_x509_certificates(requester.certificate_pem(serial))
        assert (first.public_bytes(Encoding.DER), len(above)) == (der, 2)
        assert requester.certificate(serial).subject == "CN=www.example.com"
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
        more = [requester.submit("Twofold", csr, names=names, expires=expires) for _ in range(3)]
        assert approver.reject(more[0].number, "not ours").problem == "not ours"
        assert [found.number for found in requester.requests(status="waiting")] == [more[1].number, more[2].number]
        assert approver.revoke(serial, "certificateHold").revocation_reason == "certificateHold"
        assert [found.serial for found in approver.certificates(authority="Issuing", revoked=True)] == [serial]
        assert approver.release(serial).revoked_at is None
        assert list(approver.certificates(authority="Issuing", expiring=expires)) == []
        assert approver.make_crls("Issuing").crls
        assert approver.make_responder("Issuing", "default").responder is not None
        assert requester.authority("Issuing").parent == "Root"
        kinds = {
            entry.kind for entry in approver.history(serial=serial, actor="paul", since=expires.replace(year=2020))
        }
        assert {"certificate-issued", "certificate-revoked"} <= kinds
        with pytest.raises(DeskError) as forbidden:
            requester.revoke(serial)
        assert (forbidden.value.status, forbidden.value.code) == (403, "forbidden")
