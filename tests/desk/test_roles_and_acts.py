"""The table of roles against acts: each is tried on each endpoint, and what is forbidden is refused and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold_desk.api.table import ENDPOINTS, parts_of
from anchorhold_desk.roles import RIGHTS, Act, Grant, Role
from desk.test_two_people import submitted, wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from anchorhold_desk.api.endpoint import Endpoint
    from conftest import MakeCsr
    from desk.desk_house import House, Person

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="who may what is read from each of them")

BODIES: Final[dict[str, Any]] = {
    "makeResponder": {"ocsp_key_backend": "default"},
    "revokeCertificate": {"reason": "certificateHold"},
    "rejectRequest": {"reason": "not ours"},
    "addAccount": {"name": "newcomer"},
    "changeAccount": {"mail": "target@example.com"},
    "addToken": {"name": "mine", "acts": ["view"]},
}
"""Contents that would be right; others are empty."""


class Things:
    """What endpoints are about: something new for each that changes it.

    Args:
        house: Where they are.
        make_csr: Makes requests.
    """

    def __init__(self, house: House, make_csr: MakeCsr) -> None:
        self._make_csr = make_csr
        self._helper = house.person("helper", *(role for role in Role))
        self._other = house.person("other", Role.APPROVER)
        house.person("target")

    def path(self, endpoint: Endpoint, person: Person, role: Role) -> str:
        """The path of an endpoint, about something that is there."""
        makers: dict[str, Callable[[], str]] = {
            "authority": lambda: "Issuing",
            "account": lambda: "target",
            "number": lambda: str(self._request(endpoint, person, role)),
            "serial": lambda: self._certificate(on_hold=endpoint.operation == "releaseCertificate"),
            "token": lambda: self._token(person),
        }
        return endpoint.path.format_map({name: makers[name]() for name in parts_of(endpoint.path)})

    def body(self, endpoint: Endpoint) -> Any:
        """A content that is right."""
        if endpoint.operation == "submitRequest":
            return wanted(self._make_csr)
        return BODIES.get(endpoint.operation, {})

    def _request(self, endpoint: Endpoint, person: Person, role: Role) -> int:
        """One of the person's own where that counts, waiting."""
        own = endpoint.operation == "showRequest" and Act.REQUEST in RIGHTS[role]
        return submitted(person if own else self._helper, self._make_csr)

    def _certificate(self, *, on_hold: bool) -> str:
        made = self._helper.program.post("/requests", json=wanted(self._make_csr, "Direct")).json()
        serial: str = made["serial"]
        if on_hold:
            answer = self._helper.program.post(f"/certificates/{serial}/revoke", json={"reason": "certificateHold"})
            assert answer.status_code == 200
        return serial

    def _token(self, person: Person) -> str:
        made = person.http.post("/tokens", json={"name": "more", "acts": ["view"]})
        assert made.status_code == 201, made.text
        number: str = made.json()["id"]
        return number


def ask(client: httpx.Client, endpoint: Endpoint, path: str, body: Any) -> httpx.Response:
    """Send a request for an endpoint."""
    return client.request(endpoint.method, path, json=None if endpoint.body is None else body)


@pytest.mark.parametrize("role", Role)
@pytest.mark.usefixtures("desk")
def test_each_role_on_each_endpoint(desk_house: House, make_csr: MakeCsr, role: Role) -> None:
    things, person = Things(desk_house, make_csr), desk_house.person("somebody", role)
    forbidden = []
    for endpoint in ENDPOINTS:
        path = things.path(endpoint, person, role)
        answer = ask(person.http, endpoint, path, things.body(endpoint))
        cell = f"{endpoint.operation}: {answer.status_code} {answer.text}"
        if not endpoint.acts or RIGHTS[role] & set(endpoint.acts):
            assert answer.status_code == endpoint.status or _is_not_ready(endpoint, answer), cell
        else:
            forbidden.append(endpoint)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), cell
    recorded = desk_house.events("forbidden")
    assert {event.account for event in recorded} == {"somebody"}
    assert len(recorded) == len(forbidden) >= 10
    assert all(event.detail["act"] in endpoint.acts for event, endpoint in zip(recorded, forbidden, strict=True))


def _is_not_ready(endpoint: Endpoint, answer: httpx.Response) -> bool:
    """A request that nobody has approved is not signed, whoever asks."""
    return endpoint.operation == "signRequest" and answer.json()["code"] == "wrong-state"


@pytest.mark.usefixtures("desk")
def test_a_role_for_one_authority_is_none_for_another(desk_house: House, make_csr: MakeCsr) -> None:
    """Nor for one whose name begins with the name that it is for."""
    grants = [Grant(role, name) for role in Role for name in ("Twofold", "Iss")]
    person = desk_house.person("limited", *grants)
    helper = desk_house.person("helper", *Role)
    number, serial = submitted(helper, make_csr), _signed(helper, make_csr)
    tried = [
        ("GET", "/authorities/Issuing", None),
        ("GET", "/certificates?authority=Issuing", None),
        ("GET", "/certificates", None),
        ("GET", "/history", None),
        ("GET", f"/certificates/{serial}", None),
        ("POST", f"/certificates/{serial}/revoke", {}),
        ("POST", "/requests", wanted(make_csr)),
        ("GET", f"/requests/{number}", None),
        ("POST", f"/requests/{number}/approve", None),
        ("POST", "/authorities/Issuing/crls", {}),
        ("POST", "/authorities/Issuing/responder", {}),
        ("GET", "/accounts", None),
        ("GET", "/events", None),
    ]
    for method, path, body in tried:
        answer = person.http.request(method, path, json=body)
        assert answer.status_code == 403, (method, path, answer.text)
    assert len(desk_house.events("forbidden")) == len(tried)
    for path in ("/authorities/Iss", "/certificates?authority=Iss", "/history?authority=Iss"):
        assert person.http.get(path).json()["code"] == "unknown-authority"
    assert person.http.post("/requests", json=wanted(make_csr, "Iss")).json()["code"] == "unknown-authority"
    assert [found["name"] for found in person.http.get("/authorities").json()["items"]] == ["Twofold"]
    assert person.http.get("/requests").json()["items"] == []


def _signed(person: Person, make_csr: MakeCsr) -> str:
    serial: str = person.program.post("/requests", json=wanted(make_csr, "Direct")).json()["serial"]
    return serial


@pytest.mark.usefixtures("desk")
def test_a_token_does_less_than_its_account(desk_house: House, make_csr: MakeCsr) -> None:
    person = desk_house.person("everybody", *Role, acts=frozenset({Act.VIEW}))
    assert person.program.get("/authorities/Root").status_code == 200
    assert person.program.get("/me").json()["acts"] == ["view"]
    refused = [
        person.program.post("/requests", json=wanted(make_csr)),
        person.program.get("/accounts"),
        person.program.post("/tokens", json={"name": "more", "acts": ["approve"]}),
        person.program.get("/tokens"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert len(desk_house.events("forbidden")) == 4
    made = person.http.post("/tokens", json={"name": "more", "acts": ["approve"], "days": 1}).json()
    assert {token["id"] for token in person.http.get("/tokens").json()["items"]} == {made["id"], _id(person.token)}
    program = desk_house.client(headers={"authorization": f"Bearer {made['token']}"})
    assert program.get("/me").status_code == 200
    assert person.http.delete(f"/tokens/{made['id']}").status_code == 204
    assert program.get("/me").status_code == 401
    assert person.http.post("/tokens", json={"name": "more", "acts": ["administer"]}).status_code == 422


def _id(token: str) -> str:
    return token.split("_")[1]


def test_the_table_has_what_is_asked_for() -> None:
    assert len({endpoint.operation for endpoint in ENDPOINTS}) == len(ENDPOINTS) == 26
    assert {act for endpoint in ENDPOINTS for act in endpoint.acts} == set(Act)
