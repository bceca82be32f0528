"""PINs: the wrong one is tried once at most, and every way to be wrong is one clear line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pkcs11 import TokenFlag

from anchorhold import errors
from anchorhold.algorithms import key_spec
from anchorhold.cli.remedies import sentence
from anchorhold.plugin import Secret, SecretSource
from anchorhold_hsm import HsmBackend, pins
from anchorhold_hsm.credentials import credential_of
from anchorhold_hsm.cryptoki import CryptokiModule
from anchorhold_hsm.login import check_flags
from anchorhold_hsm.pins import Credential
from hsm.softhsm import SO_PIN, USER_PIN, Bench

if TYPE_CHECKING:
    from anchorhold_hsm.pins import Kind
    from hsm.softhsm import SoftHsm

EC = key_spec("EC")
GOOD = TokenFlag.TOKEN_INITIALIZED | TokenFlag.USER_PIN_INITIALIZED


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every time a PIN is shown to the token."""
    seen: list[str] = []
    original = CryptokiModule.log_in

    def log_in(self: CryptokiModule, session: int, kind: str, pin: bytes | None) -> None:
        seen.append(kind)
        original(self, session, kind, pin)

    monkeypatch.setattr(CryptokiModule, "log_in", log_in)
    monkeypatch.setattr(pins, "_refused", {})
    return seen


def test_a_wrong_pin_is_one_clear_line_and_is_shown_to_the_token_once(bench: Bench, logins: list[str]) -> None:
    bench.given = {"user-pin": "wrong-pin"}
    for words in ("the PIN of the user is wrong", *["this PIN of the user was refused earlier in this process"] * 2):
        with pytest.raises(errors.SecretWrongError, match=f"token 'one': {words}") as caught:
            bench.create(EC)
        assert "wrong-pin" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert logins == ["user"]
    bench.given = {"user-pin": USER_PIN}
    bench.create(EC)


def test_one_login_serves_all_aliases_of_a_token_and_compares_their_pins(bench: Bench, logins: list[str]) -> None:
    created = bench.create(EC)
    other = Bench({**bench.options, "max_sessions": 2}, alias="other")
    other.signer(created).sign(b"", EC.algorithm())
    assert logins == ["user"]
    other.given = {"user-pin": "wrong"}
    with pytest.raises(errors.SecretWrongError, match="wrong"):
        other.signer(created)
    bench.signer(created).sign(b"", EC.algorithm())
    assert logins == ["user"]


def test_a_refused_pin_does_not_log_out_those_who_work(bench: Bench) -> None:
    created = bench.create(EC)
    signer = bench.signer(created)
    with pytest.raises(errors.SecretWrongError):
        Bench(bench.options, "other", {"user-pin": "0000"}).signer(created)
    signer.sign(b"", EC.algorithm())


def test_a_pin_that_was_changed_on_the_token_is_shown_once_after_a_restart(
    bench: Bench, softhsm: SoftHsm, logins: list[str]
) -> None:
    from anchorhold_hsm.module_registry import close_modules

    signer = bench.signer(bench.create(EC))
    softhsm.tool("--change-pin", "--new-pin", "4321")
    close_modules()
    with pytest.raises(errors.SecretWrongError, match="is wrong"):
        signer.sign(b"", EC.algorithm())
    softhsm.tool("--change-pin", "--new-pin", USER_PIN, pin="4321")
    for _ in range(2):
        with pytest.raises(
            errors.SecretWrongError, match=r"refused earlier in this process; .* start the process again"
        ):
            signer.sign(b"", EC.algorithm())
    assert logins == ["user", "user"]


@pytest.mark.parametrize(
    ("settings", "given", "error", "words"),
    [
        ({}, {}, errors.SecretMissingError, ("--hsm-user-pin", "ANCHORHOLD_HSM_USER_PIN")),
        ({}, {"user-pin": ""}, errors.SecretMissingError, ("user pin is empty",)),
        (
            {},
            {"user-pin": "1", "so-pin": "2"},
            errors.SettingsError,
            ("security officer are both", '--hsm-so-pin=""'),
        ),
        ({"so_pin": "2"}, {"user-pin": "1"}, errors.SettingsError, ("both", "clear")),
        ({"so_pin": "prompt"}, {}, errors.SecretMissingError, ("--hsm-so-pin",)),
        ({"protected_auth": True}, {"user-pin": "1"}, errors.SettingsError, ("protected_auth",)),
        ({"protected_auth": True}, {}, errors.BackendFailedError, ("token 'one'", "protected_auth")),
    ],
)
def test_pins_that_are_missing_or_too_many(
    bench: Bench, settings: dict[str, Any], given: dict[str, str], error: type[errors.AnchorholdError], words: list[str]
) -> None:
    bench.options |= settings
    bench.given = given
    with pytest.raises(error) as caught:
        bench.create(EC)
    told = sentence(caught.value)
    assert all(word in told for word in words), told


@pytest.mark.parametrize("so_pin", [SO_PIN, "prompt", {"env": "UNSET_SO_PIN"}])
def test_where_the_pin_of_the_security_officer_is_cleared_the_user_is_asked(
    bench: Bench, so_pin: str | dict[str, str]
) -> None:
    asked = []

    def ask(question: str) -> Secret:
        asked.append(question)
        return Secret(USER_PIN)

    bench.options["so_pin"] = so_pin
    bench.given = {"so-pin": ""}
    secrets = bench.secrets
    secrets._prompter = ask
    assert credential_of("hsm", HsmBackend.Options.model_validate(bench.options), secrets).kind == "user"
    assert asked == ["user pin of key backend 'hsm'"]


@pytest.mark.parametrize(
    ("flags", "kind", "words"),
    [
        (GOOD | TokenFlag.USER_PIN_FINAL_TRY, "user", "one more wrong user PIN"),
        (GOOD | TokenFlag.USER_PIN_LOCKED, "user", "the user PIN is locked"),
        (TokenFlag.TOKEN_INITIALIZED, "user", "has no user PIN"),
        (GOOD | TokenFlag.SO_PIN_FINAL_TRY, "so", "security officer would lock"),
        (GOOD | TokenFlag.SO_PIN_LOCKED, "so", "is locked"),
    ],
)
def test_no_pin_is_tried_where_it_could_lock_the_token(flags: int, kind: Kind, words: str) -> None:
    with pytest.raises(errors.SecretWrongError, match=words):
        check_flags(flags, Credential(kind, Secret("1234")), "token 'x'")


@pytest.mark.parametrize(("flags", "kind"), [(GOOD, "user"), (GOOD | TokenFlag.SO_PIN_LOCKED, "user"), (GOOD, "so")])
def test_a_token_that_is_well_gets_the_pin(flags: int, kind: Kind) -> None:
    check_flags(flags | TokenFlag.USER_PIN_COUNT_LOW, Credential(kind, Secret("1234")), "token 'x'")


def test_the_security_officer_and_the_user_take_turns_when_nobody_is_busy(bench: Bench, softhsm: SoftHsm) -> None:
    created = bench.create(EC, "mine")
    signer = bench.signer(created)
    officer = Bench(bench.options, "officer", {"so-pin": SO_PIN})
    with pytest.raises(errors.BackendFailedError, match="security officer create private keys"):
        officer.create(EC, "never")
    signer.sign(b"", EC.algorithm())
    with pytest.raises(errors.SecretWrongError, match="security officer is wrong"):
        Bench(bench.options, "officer", {"so-pin": "99999"}).create(EC, "never")
    signer.sign(b"", EC.algorithm())
    assert softhsm.private_labels() == ["mine"]


def test_a_pin_that_is_wanted_for_every_signature_is_tried_once_when_it_is_wrong(
    bench: Bench, softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "_refused", {})
    new = ("--keypairgen", "--key-type=EC:prime256v1", "--label=asks", "--usage-sign", "--always-auth")
    softhsm.tool(*new, "--id=0a")
    (created,) = bench.find(key_label="asks")
    signer: Any = bench.signer(created)
    for _ in range(2):
        signer.sign(b"", EC.algorithm())
    signer._access.credential.pin = Secret("9999", SecretSource(name="the file x", version="1"))  # changed on the token
    for words in ("the PIN was refused for this one use", *["the PIN of the user .* was refused earlier"] * 2):
        with pytest.raises(errors.SecretWrongError, match=words):
            signer.sign(b"", EC.algorithm())


def test_a_credential_never_shows_its_pin() -> None:
    credential = Credential("user", Secret("canary-pin-123456"))
    assert "canary" not in f"{credential!r} {credential.pin!r} {credential.digest!r}"
