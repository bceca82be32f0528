"""What plugins are told: what a signature is about before it is made, and afterwards what became of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from cryptography import x509

from anchorhold import software_keys
from anchorhold.algorithms import Algorithm
from anchorhold.audit import Actor
from anchorhold.errors import AnchorholdError, BackendContractError, LedgerError, RefusedError, SignatureError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.operations.signing import sign_and_verify
from anchorhold.plugin import (
    BACKENDS_GROUP,
    PROBE_PREFIX,
    WRAPPERS_GROUP,
    CrlFacts,
    CsrFacts,
    RecordedEvent,
    SignRequest,
    hookimpl,
)
from anchorhold.public_keys import spki
from plugin.fake_backends import (
    CA,
    NO_SECRETS,
    LyingBackend,
    MemoryBackend,
    Recorder,
    bound,
    create_request,
    key_request,
    offer,
    settings_file,
)

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin.key_backend import KeyBackend
    from conftest import Command, MakeCsr

pytestmark = pytest.mark.usefixtures("database")


class Listening(Recorder):
    """Writes down what it is told and asked."""

    events: ClassVar[list[RecordedEvent]] = []
    requests: ClassVar[list[SignRequest]] = []
    rejections: ClassVar[list[tuple[str, str]]] = []
    fails: ClassVar[BaseException | None] = None

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Any) -> Any:
        self.requests.append(request)
        return (yield)

    @hookimpl
    def recorded(self, event: RecordedEvent) -> None:
        self.events.append(event)
        if self.fails is not None:
            raise self.fails

    @hookimpl
    def rejected(self, request: SignRequest, reason: str) -> None:
        self.rejections.append((request.purpose, reason))
        if self.fails is not None:
            raise self.fails


class LoggingSigner(software_keys.SoftwareSigner):
    """Wants the whole request."""

    seen: ClassVar[list[SignRequest]] = []

    def sign_request(self, request: SignRequest) -> bytes:
        """Sign, and remember what."""
        self.seen.append(request)
        return super().sign(request.message, request.algorithm)

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        raise AssertionError("the whole request was wanted")


class LoggingBackend(MemoryBackend):
    """Lends such signers."""

    events: ClassVar[list[str]] = []

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        return LoggingSigner(self.keys[request.handle.data["name"]])

    @hookimpl
    def recorded(self, event: RecordedEvent) -> None:
        self.events.append(event.kind)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(MemoryBackend, "keys", {})
    monkeypatch.setattr(LyingBackend, "lie", None)
    for found, names in ((Listening, ("events", "requests", "rejections")), (LoggingBackend, ("events",))):
        for name in names:
            monkeypatch.setattr(found, name, [])
    monkeypatch.setattr(Listening, "fails", None)
    monkeypatch.setattr(LoggingSigner, "seen", [])
    offer(monkeypatch, tmp_path / "site", WRAPPERS_GROUP, {"listening": f"{__name__}:Listening"})
    backends = {"logging": f"{__name__}:LoggingBackend", "lying": "plugin.fake_backends:LyingBackend"}
    offer(monkeypatch, tmp_path / "keys", BACKENDS_GROUP, backends, distribution="acme-log")
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "logging"\n[wrappers.listening]\n')


def _kinds() -> list[str]:
    return [event.kind for event in Listening.events]


def test_each_commit_is_told_with_what_from_whom_and_after_it(make_csr: MakeCsr) -> None:
    with open_installation() as installation:
        acting = installation.as_actor(Actor("user", "ada"))
        acting.authorities.create("Root", "CN=Root")
        assert _kinds() == ["authority-begun", "certificate-issued", "authority-created"]
        Listening.events.clear()
        with acting.certificates.issuer("Root") as issuer:
            issued = issuer.sign_many([Order(csr=make_csr(), names=[f"{letter}.example"]) for letter in "abc"])
        assert [(event.kind, event.serial, event.certificate) for event in Listening.events] == [
            ("certificate-issued", one.serial, one.der) for one in issued
        ]
        acting.revocations.revoke(issued[0].serial)
        list(acting.crls.generate("Root"))
    assert _kinds()[3:] == ["certificate-revoked", "crl-begun", "crl-made"]
    assert {event.audit.actor.name for event in Listening.events if event.audit} == {"ada"}
    assert {event.ca.name for event in Listening.events} == {"Root"}
    assert LoggingBackend.events[-2:] == ["crl-begun", "crl-made"]


def test_what_is_rolled_back_is_not_told() -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        Listening.events.clear()
        ledger = installation.ledger
        with suppress(ZeroDivisionError), ledger.transaction():
            ledger.events.append("inner", "Root")
            raise ZeroDivisionError
        assert _kinds() == []
        with ledger.transaction():
            with ledger.transaction():
                ledger.events.append("inner", "Root")
            assert _kinds() == []
        assert _kinds() == ["inner"]


def test_a_backend_alone_is_told_also_if_it_is_bound_after_the_ledger_was_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_csr: MakeCsr
) -> None:
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "logging"\n')
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    assert LoggingBackend.events == ["authority-begun", "certificate-issued", "authority-created"]
    LoggingBackend.events.clear()
    with open_installation() as installation:
        ledger = installation.ledger
        with installation.certificates.issuer("Root") as issuer:
            issuer.sign(Order(csr=make_csr(), names=["a.example"]))
        with ledger.transaction():
            ledger.events.append("more", "Root")
    assert LoggingBackend.events == ["certificate-issued", "more"]
    assert Listening.events == []


def test_who_begins_to_listen_within_a_transaction_is_told_of_nothing_that_is_not_durable() -> None:
    told: list[str] = []
    listeners: set[str] = set()
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        ledger = installation.ledger.telling(lambda _, found: told.extend(each.kind for each in found), listeners)
        with ledger.transaction():
            listeners.add("somebody")
            with ledger.transaction():
                ledger.events.append("inner", "Root")
            assert told == []
        with ledger.transaction():
            ledger.events.append("later", "Root")
    assert told == ["later"]


def test_a_wrapper_is_told_though_the_backend_of_the_key_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command
) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "nowhere"\n[wrappers.listening]\n')
    Listening.events.clear()
    assert anchorhold("edit-ca", "Root", "--disable").exit_code == 0
    assert _kinds() == ["authority-edited"]


@pytest.mark.parametrize("fault", [ZeroDivisionError("1234"), SystemExit(3), RefusedError("no", hint="never")])
def test_a_listener_that_fails_is_a_warning_that_names_its_distribution(
    fault: BaseException, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Listening, "fails", fault)
    with open_installation() as installation:
        assert installation.authorities.create("Root", "CN=Root").record.status == "active"
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 2  # one for each commit; the certificate and the end of the creation are one
    assert all("acme-keys 1.2" in line and "recorded failed" in line and "1234" not in line for line in warnings)


def test_a_listener_that_fails_at_each_certificate_of_a_batch_is_one_warning_with_the_number(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, make_csr: MakeCsr
) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        Listening.events.clear()
        monkeypatch.setattr(Listening, "fails", ZeroDivisionError("1234"))
        with installation.certificates.issuer("Root") as issuer:
            issuer.sign_many([Order(csr=make_csr(), names=[f"{letter}.example"]) for letter in "abc"])
    assert len(Listening.events) == 3
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.endswith(": recorded failed 3 times, at first (ZeroDivisionError); what was done stays")


def _sign(backend: KeyBackend) -> None:
    created = backend.create_key(create_request(), NO_SECRETS)
    signer = backend.load_signer(key_request(created), NO_SECRETS)
    algorithm = Algorithm(scheme="ecdsa", hash="SHA-256")
    request = SignRequest(message=b"message", algorithm=algorithm, purpose="crl", ca=CA)
    sign_and_verify(backend, signer, created.public_key, request)


def test_a_signature_that_does_not_verify_is_told_as_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LyingBackend, "lie", lambda *_: b"no")
    monkeypatch.setattr(Listening, "fails", ZeroDivisionError())
    with pytest.raises(SignatureError):
        _sign(bound(LyingBackend, [Listening]))
    ((purpose, reason),) = Listening.rejections
    assert purpose == "crl"
    assert "does not verify" in reason


def test_a_signature_that_a_wrapper_refuses_once_it_is_there_is_told_as_rejected() -> None:
    class Late(Recorder):
        @hookimpl(wrapper=True)
        def sign(self, request: Any, signer: Any) -> Any:
            yield
            raise RefusedError("late: no", hint="never")

    class Early(Recorder):
        @hookimpl(wrapper=True)
        def sign(self, request: Any, signer: Any) -> Any:
            if request is not None:
                raise RefusedError("early: no", hint="never")
            return (yield)

    with pytest.raises(AnchorholdError):
        _sign(bound(MemoryBackend, [Listening, Early]))
    assert Listening.rejections == []  # nothing was signed
    with pytest.raises(AnchorholdError):
        _sign(bound(MemoryBackend, [Listening, Late]))
    assert Listening.rejections == [("crl", "late: no")]


@pytest.mark.parametrize(("made", "told"), [("x", 1), (None, 0), (ZeroDivisionError(), 0)])
def test_a_backend_without_wrappers_is_told_of_a_signature_that_is_no_octets(made: object, told: int) -> None:
    reasons: list[str] = []

    class Signer(software_keys.SoftwareSigner):
        def sign(self, message: bytes, algorithm: Algorithm) -> Any:
            if isinstance(made, Exception):
                raise made
            return made

    class Backend(MemoryBackend):
        @hookimpl
        def load_signer(self, request: Any, secrets: Any) -> Any:
            return Signer(self.keys[request.handle.data["name"]])

        @hookimpl
        def rejected(self, request: SignRequest, reason: str) -> None:
            reasons.append(reason)

    with pytest.raises(AnchorholdError, match=r"acme-keys 1\.2"):
        _sign(bound(Backend))
    assert ["returned str, not bytes" in reason for reason in reasons] == [True] * told


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.databases("sqlite", because="a trigger of SQLite makes the ledger refuse")
def test_signatures_that_the_ledger_does_not_take_are_told_as_rejected(
    ca_dir: Path, make_csr: MakeCsr, count: int
) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        with closing(sqlite3.connect(ca_dir / "ledger.sqlite3")) as database:
            database.execute(
                "CREATE TRIGGER full BEFORE UPDATE ON anchorhold_certificate WHEN NEW.status = 'issued' "
                "BEGIN SELECT RAISE(ABORT, 'there is no room'); END"
            )
        orders = [Order(csr=make_csr(), names=[f"h{number}.example"]) for number in range(count)]
        with installation.certificates.issuer("Root") as issuer, pytest.raises(LedgerError):
            issuer.sign_many(orders)
    assert [purpose for purpose, _ in Listening.rejections] == ["certificate"] * count
    assert all("there is no room" in reason for _, reason in Listening.rejections)


def test_a_notice_that_is_wrapped_is_refused() -> None:
    class Wrapping(Recorder):
        @hookimpl(wrapper=True)
        def recorded(self, event: Any) -> Any:
            return (yield)

    with pytest.raises(BackendContractError, match="wraps the hook recorded instead of implementing it"):
        bound(MemoryBackend, [Wrapping])


def test_each_request_says_which_key_and_what_it_is_about(make_csr: MakeCsr) -> None:
    with open_installation() as installation:
        root = installation.authorities.create("Root", "CN=Root")
        with installation.certificates.issuer("Root") as issuer:
            issuer.sign(Order(csr=make_csr(), names=["a.example"]))
        crl = list(installation.crls.generate("Root"))
        installation.authorities.request_csr("Below", "CN=Below")
    probe, own, leaf, listed = LoggingSigner.seen[:4]
    assert probe.message.startswith(PROBE_PREFIX)
    assert (own.draft and own.draft.profile, leaf.draft and leaf.draft.profile) == ("root", "webserver")
    assert isinstance(listed.facts, CrlFacts)
    assert (listed.facts.number, listed.facts.shard) == (crl[0].number, None)
    csr = LoggingSigner.seen[-1]
    assert csr.facts == CsrFacts(subject=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Below")]))
    for request in (probe, own, leaf, listed):
        assert request.key_id == root.record.key_id
        assert request.ca.public_key_info == spki(root.public_key)


def test_what_a_csr_and_a_crl_are_to_be_is_recorded_before_they_are_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        monkeypatch.setattr(
            LoggingSigner, "sign_request", lambda *_: (_ for _ in ()).throw(RefusedError("no", hint="never"))
        )
        with pytest.raises(RefusedError):
            list(installation.crls.generate("Root"))
        found = installation.ledger.events.history()[0]
        assert found.kind == "crl-begun"
        assert found.detail["number"] == 1
        assert {"shard", "this_update", "next_update", "last_revocation"} <= set(found.detail)


def test_the_ledger_lists_certificates_of_authorities_as_before() -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        assert [record.profile for record in installation.certificates.list()] == ["authority"]
