"""Nothing secret is in a log, a database, a file or an answer that is not the one it was made for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from anchorhold_desk.roles import Role
from desk.desk_house import PASSWORD, running
from desk.test_two_people import submitted, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import MakeCsr
    from desk.desk_house import House

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each is searched")

PIN = "7361904482"
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"


def test_nothing_secret_is_left_anywhere(desk_house: House, database: str, make_csr: MakeCsr) -> None:
    admin, other = desk_house.person("admin", *Role), desk_house.person("other", Role.APPROVER)
    told: list[str] = []
    key = {"idempotency-key": "the-same"}
    with running(desk_house):
        made = admin.http.post("/tokens", json={"name": "more", "acts": ["view"]}, headers=key).json()["token"]
        link = admin.http.post("/accounts/other/link", headers={"idempotency-key": "another"}).json()["url"]
        number = submitted(admin, make_csr, "Twofold")
        with_pin = {"secrets": {"password": PIN}}
        for path, content in (
            (f"/requests/{number}/sign", with_pin),
            (f"/requests/{number}/sign", {"secrets": {"password": {"is": PIN}}}),
            (f"/requests/{number}/sign", {"secrets": PIN}),
            (f"/requests/{number}/sign", {"secrets": {"password": PIN}, "more": PIN}),
            ("/authorities/Issuing/crls", with_pin),
            ("/authorities/Issuing/responder", with_pin),
            ("/requests", {**wanted(make_csr), "password": PIN}),
        ):
            told.append(other.program.post(path, json=content).text)
            told.append(admin.program.post(path, json=content, headers={"idempotency-key": f"{path}{len(told)}"}).text)
            told.append(admin.program.post(path, content=json.dumps(content)[:-1], headers=key).text)
        told.append(desk_house.client().get("/me", headers={"authorization": f"Bearer {made}x"}).text)
        for path in (
            "/me",
            "/tokens",
            "/accounts",
            "/events",
            "/history",
            "/requests",
            "/certificates",
            "/openapi.json",
        ):
            told.append(admin.http.get(path).text)
    secrets = {PIN, PASSWORD, made, link.partition("#")[2], admin.token, admin.session, other.token, other.session}
    secrets |= {token.rpartition("_")[2] for token in (made, admin.token)}
    assert len(secrets) == 10
    assert not [text for text in told for secret in secrets if secret in text]
    everything = list(_everything(desk_house, database))
    found = [(where, secret) for where, octets in everything for secret in secrets if secret.encode() in octets]
    assert found == []


def _everything(house: House, database: str) -> Iterator[tuple[str, bytes]]:
    """All files, logs among them, and all rows."""
    count = 0
    for file in house.folder.rglob("*"):
        if file.is_file():
            count += 1
            yield str(file), file.read_bytes()
    assert count > 5
    if not database.startswith("postgresql"):
        return
    with psycopg.connect(database) as connection:
        tables = [name for (name,) in connection.execute(TABLES)]
        assert "anchorhold_desk_token" in tables
        for name in tables:
            rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
            yield name, repr(rows).encode()
