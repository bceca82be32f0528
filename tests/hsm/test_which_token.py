"""Which module and which token: what the settings may say, and one clear line for each way it can be wrong."""

from __future__ import annotations

import ctypes
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from anchorhold import errors
from anchorhold.algorithms import key_spec
from anchorhold_hsm.options import OcspOptions, Options
from hsm.softhsm import Bench

if TYPE_CHECKING:
    from hsm.softhsm import SoftHsm

EC = key_spec("EC")


def serial(softhsm: SoftHsm, label: str) -> str:
    """The serial number of a token."""
    shown = softhsm.util("--show-slots")
    block = next(block for block in shown.split("Slot ") if re.search(rf"Label:\s+{label}\s", block))
    return str(re.findall(r"Serial number:\s+(\w+)", block)[0])


def slot(softhsm: SoftHsm, label: str) -> int:
    """The number of the slot of a token."""
    shown = softhsm.util("--show-slots")
    block = next(block for block in re.split(r"^Slot ", shown, flags=re.M) if re.search(rf"Label:\s+{label}\s", block))
    return int(block.split()[0])


def test_a_token_is_found_by_label_serial_slot_or_uri(bench: Bench, softhsm: SoftHsm) -> None:
    softhsm.add_token("two")
    number = serial(softhsm, "one")
    ways: list[dict[str, Any]] = [
        {"token": "one"},
        {"token": " one "[1:]},
        {"token_serial": number},
        {"slot": slot(softhsm, "one")},
        {"token": "one", "token_serial": number},
        {"uri": f"pkcs11:token=one;serial={number};model=SoftHSM%20v2;x-vendor=1"},
        {"uri": f"pkcs11:slot-id={slot(softhsm, 'one')}"},
        {"uri": f"pkcs11:serial={number};slot-manufacturer=SoftHSM%20project;library-manufacturer=SoftHSM"},
        {"uri": "pkcs11:token=one;library-description=Implementation%20of%20PKCS11;manufacturer=SoftHSM%20project"},
    ]
    for count, way in enumerate(ways):
        Bench({"library_path": softhsm.library, **way}).create(EC, f"key {count}")
    assert len(softhsm.private_labels("one")) == len(ways)
    uri = f"pkcs11:token=one?module-path={softhsm.library}&pin-source=file:{softhsm.folder}/pin"
    (softhsm.folder / "pin").write_text("1234\n")
    Bench({"uri": uri}, given={}).create(EC, "all in one")


def test_a_token_that_is_not_there_is_said_with_those_that_are(bench: Bench) -> None:
    bench.options["token"] = "other"
    with pytest.raises(
        errors.BackendFailedError, match="key backend 'hsm': there is no token with label 'other'"
    ) as caught:
        bench.create(EC)
    assert "'one' (serial number" in caught.value.hint


@pytest.mark.parametrize(
    "attribute", ["library-manufacturer=Nobody", "library-version=99", "slot-description=nothing", "model=Other"]
)
def test_what_a_uri_says_is_never_passed_over(bench: Bench, softhsm: SoftHsm, attribute: str) -> None:
    name, value = attribute.replace("-", " ").split("=")
    with pytest.raises(errors.BackendFailedError, match=f"no token with label 'one', {name} {value}"):
        Bench({"library_path": softhsm.library, "uri": f"pkcs11:token=one;{attribute}"}).create(EC)


def test_a_uri_may_tell_a_token_by_its_maker_and_model_alone() -> None:
    Options.model_validate({"library_path": "/lib/p11.so", "uri": "pkcs11:manufacturer=Snake%20Oil;model=1.0"})
    with pytest.raises(ValidationError, match="which token"):
        Options.model_validate({"library_path": "/lib/p11.so", "uri": "pkcs11:"})


def test_a_token_that_was_never_initialised_is_said(bench: Bench, softhsm: SoftHsm) -> None:
    slots = [int(number) for number in re.findall(r"^Slot (\d+)", softhsm.util("--show-slots"), flags=re.M)]
    free = next(number for number in slots if number != slot(softhsm, "one"))
    with pytest.raises(errors.BackendFailedError, match=f"slot {free} was never initialised"):
        Bench({"library_path": softhsm.library, "slot": free}).create(EC)


def test_two_tokens_with_one_label_are_told_apart_by_their_serial_number(bench: Bench, softhsm: SoftHsm) -> None:
    softhsm.add_token("one")
    with pytest.raises(errors.SettingsError, match="2 tokens have label 'one'") as caught:
        bench.create(EC)
    first, second = re.findall(r"serial number (\w+)", caught.value.hint)
    for number in (first, second):
        bench.options["token_serial"] = number
        assert bench.create(EC).handle.data["serial"] == number


def test_a_token_without_a_user_pin_is_said(bench: Bench, softhsm: SoftHsm) -> None:
    softhsm.tool("--init-token", "--slot", str(slot(softhsm, "one")), "--label", "bare", "--so-pin", "5678", pin=None)
    bench.options["token"] = "bare"
    with pytest.raises(errors.SecretWrongError, match="no user PIN"):
        bench.create(EC)


@pytest.mark.parametrize(
    ("library", "word"),
    [
        ("/nowhere/libpkcs11.so", "No such file"),
        ("libnowhere.so.1", "No such file"),
        ("libc.so.6", "C_GetFunctionList"),
        (__file__, "invalid ELF header"),
    ],
)
def test_a_library_that_is_no_pkcs11_module_is_said(bench: Bench, library: str, word: str) -> None:
    bench.options["library_path"] = library
    with pytest.raises(errors.SettingsError, match=f"key backend 'hsm': library_path .*{word}"):
        bench.create(EC)


def test_a_library_whose_list_of_functions_cannot_be_had_is_said(bench: Bench, tmp_path: Path) -> None:
    spies = [str(path) for path in Path("/usr/lib").glob("**/pkcs11-spy.so")]  # it wants a variable to be set
    assert spies, "this test needs pkcs11-spy.so: as root on Debian, apt-get install opensc"
    copy = tmp_path / "unset-spy.so"  # the one that other tests of this process have loaded has its variable for good
    bench.options["library_path"] = str(shutil.copy(spies[0], copy))
    with pytest.raises(errors.SettingsError, match=r"not a PKCS#11 module \(its C_GetFunctionList answers with"):
        bench.create(EC)


def test_a_library_that_gives_no_functions_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(lambda _: 0)
    real = ctypes.CDLL
    fake = lambda name: real(name) if name is None else SimpleNamespace(C_GetFunctionList=silent)  # noqa: E731
    monkeypatch.setattr(ctypes, "CDLL", fake)
    bench.options["library_path"] = "libsilent.so"
    with pytest.raises(errors.SettingsError, match=r"is not a PKCS#11 module \(its list of functions is empty\)"):
        bench.create(EC)


def test_two_spellings_of_one_module_are_one_module(bench: Bench, softhsm: SoftHsm, tmp_path: Path) -> None:
    created = bench.create(EC)
    link = tmp_path / "linked.so"
    link.symlink_to(softhsm.library)
    Bench({**bench.options, "library_path": str(link)}, "other").signer(created).sign(b"", EC.algorithm())
    bench.signer(created).sign(b"", EC.algorithm())


def test_aliases_that_initialise_one_module_differently_are_refused(bench: Bench) -> None:
    bench.create(EC)
    with pytest.raises(errors.SettingsError, match="library_parameters"):
        Bench({**bench.options, "library_parameters": "configdir=/"}, "other").create(EC)


GOOD: dict[str, Any] = {"library_path": "/lib/p11.so", "token": "x"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"library_path": "/lib/p11.so"}, "which token"),
        ({**GOOD, "library_path": "lib/p11.so"}, "absolute path"),
        ({**GOOD, "library_path": ""}, "empty"),
        ({**GOOD, "user_pin": "1", "so_pin": "2"}, "user_pin and so_pin are both set"),
        ({**GOOD, "user_pin": "1", "protected_auth": True}, "user_pin and protected_auth"),
        ({**GOOD, "slot": -1}, "greater than or equal"),
        ({**GOOD, "max_sessions": 0}, "greater than or equal"),
        ({**GOOD, "pin": "1"}, "Extra inputs"),
        ({**GOOD, "uri": "pkcs11:token=y"}, "token and the uri do not agree"),
        ({**GOOD, "uri": "pkcs11:token=x?pin-value=canary-1234"}, "set user_pin"),
        ({**GOOD, "uri": "pkcs11:token=x?module-name=p11"}, "module-path"),
        ({**GOOD, "uri": "pkcs11:object=key"}, "names a key"),
        ({**GOOD, "uri": "pkcs11:slot-id=one"}, "not a number"),
        ({**GOOD, "uri": "pkcs11:token=x?pin-source=%7Cgpg"}, "absolute path"),
        ({**GOOD, "uri": "p11:token=x"}, "begins with pkcs11:"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(given)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("more", "words"), [({"protected_auth": True}, "person"), ({"so_pin": "1"}, "cannot sign")])
def test_ocsp_keys_need_a_user_pin_that_nobody_types(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        OcspOptions.model_validate({**GOOD, **more})


def test_a_pin_in_the_settings_is_never_shown() -> None:
    options = Options.model_validate({**GOOD, "user_pin": "canary-pin-123456"})
    assert "canary" not in f"{options!r} {options.model_dump()} {options.model_dump_json()}"
