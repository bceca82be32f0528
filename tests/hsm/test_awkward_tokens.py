"""Tokens that are less obliging than SoftHSM: a real one, with one thing made awkward."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag
from pkcs11.constants import DEFAULT
from pkcs11.exceptions import (
    DeviceMemory,
    GeneralError,
    HostMemory,
    MechanismInvalid,
    SessionCount,
    TemplateInconsistent,
)

from anchorhold import errors
from anchorhold.algorithms import Algorithm, key_spec
from anchorhold.public_keys import is_signed_by
from anchorhold_hsm import keys, module_registry, session, signer, token_capabilities
from anchorhold_hsm.module_lock import ModuleLock
from anchorhold_hsm.signing_mechanisms import SigningMechanism, SigningMechanisms, mechanisms_for
from anchorhold_hsm.templates import PRIVATE_TEMPLATES
from hsm.softhsm import run_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold_hsm.open_token import OpenToken
    from hsm.softhsm import Bench, SoftHsm

EC = key_spec("EC")


class Awkward:
    """Stands before an object of python-pkcs11 and answers one call differently."""

    def __init__(self, real: Any, **calls: Callable[..., Any]) -> None:
        self._real = real
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._real, name)


def opened_token() -> OpenToken:
    """The token that the backend uses."""
    (running,) = (each for each in module_registry._registry.values() if each.ready)
    return next(iter(running._opened.values()))


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make sessions awkward from now on."""

    def make(**calls: Callable[..., Any]) -> None:
        original = session.TokenSession.__init__

        def init(self: session.TokenSession, token: OpenToken, opened: Any, *, writing: bool) -> None:
            bound = {name: lambda *a, _call=call, **k: _call(opened, *a, **k) for name, call in calls.items()}
            awkward: Any = Awkward(opened, **bound)
            original(self, token, awkward, writing=writing)

        monkeypatch.setattr(session.TokenSession, "__init__", init)

    return make


def works(bench: Bench, label: str) -> None:
    """A new key can be made and signs."""
    created = bench.create(EC, label)
    signature = bench.signer(created).sign(b"message", EC.algorithm())
    assert is_signed_by(created.public_key, signature, b"message", EC.algorithm())


def test_a_token_that_refuses_to_be_told_what_it_does_anyway(bench: Bench, sessions: Callable[..., None]) -> None:
    asked = []

    def generate_keypair(session: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(options["private_template"][Attribute.EXTRACTABLE])
        if asked[-1] is not DEFAULT:
            raise TemplateInconsistent
        return session.generate_keypair(*arguments, **{**options, "private_template": PRIVATE_TEMPLATES[0]})

    sessions(generate_keypair=generate_keypair)
    works(bench, "mine")
    assert asked == [False, DEFAULT]


def test_a_key_that_could_leave_the_token_is_destroyed_again(
    bench: Bench, softhsm: SoftHsm, sessions: Callable[..., None]
) -> None:
    def generate_keypair(session: Any, *arguments: Any, **options: Any) -> Any:
        options["private_template"] = {**options["private_template"], Attribute.EXTRACTABLE: True}
        return session.generate_keypair(*arguments, **options)

    sessions(generate_keypair=generate_keypair)
    with pytest.raises(errors.BackendFailedError, match=r"token 'one', key 'mine': .*EXTRACTABLE.* destroyed again"):
        bench.create(EC, "mine")
    assert softhsm.objects() == 0


def test_a_token_that_is_full_is_said(bench: Bench, softhsm: SoftHsm, sessions: Callable[..., None]) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise DeviceMemory

    sessions(generate_keypair=full)
    with pytest.raises(errors.BackendFailedError, match="token 'one', key 'mine': the token is full"):
        bench.create(EC, "mine")


_FULL = """
import os, resource, sys
from anchorhold import errors, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.plugin import ImportKeyRequest
from hsm.softhsm import CA, Bench

library, kind = sys.argv[1:]
bench = Bench({"library_path": library, "token": "one"})
spec = key_spec(kind, 2048 if kind == "RSA" else None)
pkcs8 = dump_pkcs8(software_keys.generate(spec))
request = ImportKeyRequest(key_id=os.urandom(20), pkcs8=pkcs8, ca=CA, options={"key-label": "brought"})
assert bench.find(key_label="brought") == ()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file of the token can grow
for attempt in (lambda: bench.create(spec, "made"), lambda: bench.backend.import_key(request, bench.secrets)):
    try:
        attempt()
    except errors.BackendFailedError as error:
        print(error)
"""


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_a_token_that_has_no_room_and_does_not_say_so_may_be_full(softhsm: SoftHsm, kind: str) -> None:
    made, brought = run_program(softhsm, _FULL, kind).splitlines()
    assert "token 'one', key 'made': the token failed without saying why, and again after" in made
    assert "it may be full (FunctionFailed)" in made
    assert "token 'one', key 'brought': the token did not keep the object; it may be full" in brought


def test_creating_is_tried_once_more_by_a_module_that_was_initialised_anew(
    bench: Bench, sessions: Callable[..., None], softhsm: SoftHsm
) -> None:
    """As tpm2-pkcs11 is, which keeps loaded what it made, and has no room left then."""
    tries = []

    def failing(session: Any, *arguments: Any, **options: Any) -> Any:
        tries.append(options["store"])
        if True in tries[:-1] and options["store"]:
            return session.generate_keypair(*arguments, **options)
        raise GeneralError

    sessions(generate_keypair=failing)
    bench.create(EC, "mine")
    assert tries.count(True) == 2
    assert softhsm.private_labels() == ["mine"]


def test_a_token_that_makes_nothing_after_a_renewal_is_not_said_to_need_one(
    bench: Bench, sessions: Callable[..., None]
) -> None:
    def failing(*_: Any, **__: Any) -> Any:
        raise GeneralError

    sessions(generate_keypair=failing)
    with pytest.raises(errors.BackendFailedError, match="and again after its module was initialised again") as failed:
        bench.create(EC, "mine")
    assert "start this process again" not in str(failed.value)


def test_a_token_that_makes_no_keys_for_a_session_still_offers_curves(
    bench: Bench, sessions: Callable[..., None]
) -> None:
    """As tpm2-pkcs11, in which nothing can be tried."""

    def stored_only(session: Any, *arguments: Any, **options: Any) -> Any:
        if not options["store"] or arguments[0] is KeyType.EC_EDWARDS:
            raise MechanismInvalid
        return session.generate_keypair(*arguments, **options)

    sessions(generate_keypair=stored_only)
    with pytest.raises(errors.KeyUnsupportedError, match=r"it offers: RSA .*, EC, of curves that it does not name"):
        bench.create(key_spec("Ed25519"), "mine")
    bench.create(EC, "other")


def test_a_module_without_memory_for_a_kind_of_key_is_told_of(bench: Bench, sessions: Callable[..., None]) -> None:
    """As tpm2-pkcs11 answers for P-521."""

    def failing(*_: Any, **__: Any) -> Any:
        raise HostMemory

    sessions(generate_keypair=failing)
    with pytest.raises(errors.AnchorholdError, match="HostMemory") as failed:
        bench.create(EC, "mine")
    assert "look the answer up" not in str(failed.value)


def test_creating_is_not_tried_again_where_something_was_made(
    bench: Bench, sessions: Callable[..., None], softhsm: SoftHsm
) -> None:
    tries = []

    def failing(session: Any, *arguments: Any, **options: Any) -> Any:
        tries.append(options["store"])
        if options["store"]:
            session.generate_keypair(*arguments, **options)
        raise GeneralError

    sessions(generate_keypair=failing)
    with pytest.raises(errors.BackendFailedError, match="failed without saying why"):
        bench.create(EC, "mine")
    assert tries.count(True) == 1
    assert softhsm.private_labels() == ["mine"]


def test_creating_is_never_tried_a_third_time(bench: Bench, sessions: Callable[..., None]) -> None:
    tries = []

    def failing(*_: Any, **options: Any) -> None:
        tries.append(options["store"])
        raise GeneralError

    sessions(generate_keypair=failing)
    with pytest.raises(errors.BackendFailedError, match="failed without saying why"):
        bench.create(EC, "mine")
    assert tries.count(True) == 2


def test_a_private_half_that_is_not_taken_leaves_no_public_half(
    bench: Bench, softhsm: SoftHsm, sessions: Callable[..., None]
) -> None:
    from anchorhold import software_keys
    from anchorhold.pkcs8 import dump_pkcs8
    from anchorhold.plugin import ImportKeyRequest
    from hsm.softhsm import CA

    def create_object(session: Any, template: dict[Any, Any]) -> Any:
        if Attribute.PRIVATE in template:
            raise TemplateInconsistent
        return session.create_object(template)

    sessions(create_object=create_object)
    pkcs8 = dump_pkcs8(software_keys.generate(EC))
    request = ImportKeyRequest(key_id=os.urandom(20), pkcs8=pkcs8, ca=CA, options={"key-label": None})
    with pytest.raises(errors.KeyUnsupportedError, match="does not take an EC secp256r1 key from elsewhere"):
        bench.backend.import_key(request, bench.secrets)
    assert softhsm.objects() == 0


@pytest.mark.parametrize("answer", [MechanismInvalid, GeneralError])
@pytest.mark.parametrize(
    "algorithm",
    [Algorithm(scheme="rsa-pss", hash="SHA-256"), Algorithm(scheme="rsa-pkcs1v15", hash="SHA-384")],
    ids=str,
)
def test_the_next_way_to_sign_is_taken_and_remembered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, algorithm: Algorithm, answer: type[Exception]
) -> None:
    first, *others = mechanisms_for(algorithm).each
    asked = []

    def prepare(message: bytes, bits: int) -> bytes:
        asked.append(message)
        raise answer

    awkward = SigningMechanism(first.mechanism, first.parameter, prepare, first.finish)
    instead = SigningMechanisms((awkward, *others))
    monkeypatch.setattr(signer, "mechanisms_for", lambda _: instead)
    created = bench.create(key_spec("RSA", 2048))
    lent = bench.signer(created)
    for message in (b"one", b"two", b"three"):
        assert is_signed_by(created.public_key, lent.sign(message, algorithm), message, algorithm)
    assert set(asked) == {b"one"}


def test_a_token_with_few_sessions_is_used_with_as_many_as_it_has(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = bench.create(EC)
    lent = bench.signer(created)
    used = opened_token().pool
    real = used._token
    refused = Event()
    left = [1]  # sessions that the token still has

    def open_session(**options: Any) -> Any:
        if not left:
            refused.set()
            raise SessionCount
        left.pop()
        return real.open(**options)

    first = used.acquire(writing=False)
    monkeypatch.setattr(used, "_token", Awkward(real, open=open_session))
    second = used.acquire(writing=False)
    with ThreadPoolExecutor(8) as threads:
        signatures = [threads.submit(lent.sign, b"m", EC.algorithm()) for _ in range(200)]
        assert refused.wait(10)
        used.release(second)
        for signature in signatures:
            assert is_signed_by(created.public_key, signature.result(), b"m", EC.algorithm())
    assert used._allowed() == 2
    used.release(first)
    assert used.busy == 0


def test_a_token_that_lacked_a_session_for_a_moment_is_asked_for_more_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.signer(bench.create(EC)).close()
    used = opened_token().pool
    real = used._token

    def none_left(**_: Any) -> Any:
        raise SessionCount

    first = used.acquire(writing=False)
    monkeypatch.setattr(used, "_token", Awkward(real, open=none_left))
    monkeypatch.setattr(used, "_patience", 0.05)
    with pytest.raises(errors.BackendFailedError, match="all 1 sessions"):
        used.acquire(writing=False)
    monkeypatch.setattr(used, "_token", real)
    with pytest.raises(errors.BackendFailedError, match="all 1 sessions"):
        used.acquire(writing=False)
    monkeypatch.setattr(used, "_given", (used._given[0], time.monotonic()))
    for worker in (first, used.acquire(writing=False), used.acquire(writing=False)):
        used.release(worker)


def test_who_waits_too_long_for_a_session_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.options["max_sessions"] = 1
    created = bench.create(EC)
    lent = bench.signer(created)
    used = opened_token().pool
    monkeypatch.setattr(used, "_patience", 0.05)
    worker = used.acquire(writing=False)
    with pytest.raises(errors.BackendFailedError, match=r"all 1 sessions were in use.*max_sessions"):
        lent.sign(b"", EC.algorithm())
    monkeypatch.setattr(used, "_patience", 10)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lent.sign, b"", EC.algorithm())
        used.release(worker)
        assert waiting.result(5)
    works(bench, "another, for which the only session makes way")


def test_a_key_that_wants_the_pin_for_every_use_gets_it(bench: Bench, softhsm: SoftHsm) -> None:
    softhsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "strict", "--id", "05", "--always-auth")
    (created,) = bench.find(key_label="strict")
    lent = bench.signer(created)
    for message in (b"one", b"two"):
        assert is_signed_by(created.public_key, lent.sign(message, EC.algorithm()), message, EC.algorithm())


def test_a_key_that_is_not_for_signing_is_refused(bench: Bench) -> None:
    assert bench.find(key_label="d") == ()
    worker = opened_token().pool.acquire(writing=True)
    worker.session.generate_keypair(KeyType.RSA, 2048, label="d", store=True, capabilities=MechanismFlag.DECRYPT)
    opened_token().pool.release(worker)
    (created,) = bench.find(key_label="d")
    with pytest.raises(errors.KeyUnsupportedError, match="token 'one', key 'd': the key is not for signing"):
        bench.signer(created)


def test_a_module_that_cannot_lock_gets_one_call_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from anchorhold_hsm.cryptoki import CryptokiModule

    module_registry.close_modules()
    monkeypatch.setattr(CryptokiModule, "initialise", _without_locks(CryptokiModule.initialise))
    created = bench.create(EC)
    lent = bench.signer(created)
    (running,) = (each for each in module_registry._registry.values() if each.ready)
    assert running.lock._serialise
    with ThreadPoolExecutor(8) as threads:
        for signature in threads.map(lambda _: lent.sign(b"m", EC.algorithm()), range(200)):
            assert is_signed_by(created.public_key, signature, b"m", EC.algorithm())
    monkeypatch.setattr(running, "lock", ModuleLock(serialise=False))


def _without_locks(initialise: Callable[..., bool]) -> Callable[..., bool]:
    def initialised(self: Any, parameters: str | None) -> bool:
        initialise(self, parameters)
        return False

    return initialised


def test_what_is_offered_is_found_out_without_leaving_anything(bench: Bench, softhsm: SoftHsm) -> None:
    bench.create(EC, "mine")
    worker = opened_token().pool.acquire(writing=False)
    assert "EC secp384r1" in token_capabilities.supported_kinds(worker)
    assert keys.find(worker, b"", "anchorhold probe", "") == []
    opened_token().pool.release(worker)
    assert Mechanism.ECDSA in opened_token().mechanisms()
    assert softhsm.objects() == 2
