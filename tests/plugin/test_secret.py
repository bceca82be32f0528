"""A secret leaves only through `reveal`; errors cross process boundaries whole."""

from __future__ import annotations

import copy
import json
import logging
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from anchorhold.errors import AnchorholdError, error_classes
from anchorhold.plugin import Secret, SecretReference, is_secret_reference, tells_secret
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable

HIDDEN = "correct horse"
SECRET = Secret(HIDDEN)


@dataclass(frozen=True)
class _Request:
    pkcs8: Secret


class _Section(BaseModel):
    pin: SecretReference


def _logged(secret: Secret) -> str:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "secret %s %r", (secret, secret), None)
    return record.getMessage()


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        format,
        ascii,
        _logged,
        lambda secret: f"{secret} {secret!r}",
        lambda secret: f"{[secret]} {({'pin': secret},)}",
        lambda secret: repr(_Request(pkcs8=secret)),
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
        lambda secret: repr(ValueError(secret)),
        lambda secret: repr(SecretReference.parse(secret)),
        lambda secret: repr(_Section(pin=SecretReference.parse(secret))),
        lambda secret: _Section(pin=SecretReference.parse(secret)).model_dump_json(),
        lambda secret: repr(_Section(pin=SecretReference.parse(secret)).model_dump(mode="json")),
    ],
)
def test_a_secret_is_masked_wherever_it_is_shown(show: Callable[[Secret], str]) -> None:
    shown = show(SECRET)
    assert HIDDEN not in shown
    assert "****" in shown


@pytest.mark.parametrize(
    "leak",
    [
        *[lambda secret, protocol=protocol: pickle.dumps(secret, protocol) for protocol in range(6)],
        lambda secret: pickle.dumps({"deep": [secret]}),
        copy.copy,
        copy.deepcopy,
        lambda secret: copy.deepcopy(_Request(pkcs8=secret)),
        lambda secret: asdict(_Request(pkcs8=secret)),
        json.dumps,
        lambda secret: json.dumps({"pin": secret}),
        lambda secret: json.dumps({secret: 1}),
        hash,
        vars,
        bytes,
        list,
        len,
        lambda secret: secret + "x",
    ],
)
def test_a_secret_refuses_to_leave_in_any_other_way(leak: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as caught:
        leak(SECRET)
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Secret(HIDDEN), True),
        (Secret(HIDDEN.encode()), True),
        (Secret("correct horsf"), False),
        (Secret(""), False),
        (HIDDEN, False),
        (HIDDEN.encode(), False),
        (None, False),
    ],
)
def test_a_secret_equals_only_a_secret_of_the_same_value(other: object, equal: bool) -> None:
    assert (other == SECRET) is equal
    assert (other != SECRET) is not equal


def test_a_password_that_is_drawn_is_random_and_known_to_be() -> None:
    first, second = Secret.generate(), Secret.generate()
    assert first != second
    assert len(first.reveal()) == 64
    assert first.is_random
    assert not Secret(first.reveal()).is_random
    assert first.reveal() not in repr(first)


@pytest.mark.parametrize(("value", "text"), [("pässwörd", "pässwörd"), (b"\xc3\xa4", "ä"), ("", "")])
def test_text_and_bytes_are_utf_8(value: str | bytes, text: str) -> None:
    secret = Secret(value)
    assert secret.reveal() == text
    assert secret.reveal_bytes() == text.encode()
    assert bool(secret) is bool(text)


def test_a_secret_does_not_change_with_the_buffer_it_was_made_from() -> None:
    buffer = bytearray(b"1234")
    secret = Secret(bytes(buffer))
    buffer[:] = b"0000"
    assert secret.reveal() == "1234"


def _fail(kind: type[AnchorholdError]) -> None:
    error = kind(f"{kind.__name__}: with; marks", hint="do this")
    error.add_step("then that", Remedy("recovery.finish", {"authority": "Größe"}))
    raise error


def test_every_error_crosses_a_process_boundary_whole() -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        attempts = {kind: pool.submit(_fail, kind) for kind in error_classes()}
        for kind, attempt in attempts.items():
            error = attempt.exception()
            assert type(error) is kind
            assert str(error) == f"{kind.__name__}: with; marks; do this, and then that"
            assert error.remedy == Remedy("recovery.finish", {"authority": "Größe"})
            assert (error.problem, error.exit_code) == (f"{kind.__name__}: with; marks", kind.exit_code)


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in error_classes()]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2} & set(codes)
    assert max(codes) < 126


@pytest.mark.parametrize(
    "name",
    [
        *("password", "passphrase", "user_pin", "PIN", "secret", "aws_secret_access_key", "sas_token", "SAS"),
        *("api-key", "credentials", "authorization", "connection_string"),
    ],
)
def test_names_that_tell_of_a_secret(name: str) -> None:
    assert tells_secret(name)


@pytest.mark.parametrize("name", ["host", "region_name", "port", "timeout", "path", "username"])
def test_names_that_tell_of_none(name: str) -> None:
    assert not tells_secret(name)


@pytest.mark.parametrize("value", [{"env": "VARIABLE"}, {"file": "/run/secrets/pin"}])
def test_a_table_that_says_where_a_secret_is_is_a_reference(value: dict[str, str]) -> None:
    assert is_secret_reference(value)


@pytest.mark.parametrize(
    "value",
    [
        *(None, "prompt", "text", ["env", "A"], {}, {"env": ""}, {"file": "a\0b"}, {"env": 1}),
        *({"env": "A", "file": "b"}, {"envs": "A"}, {"env": {"env": "A"}}),
    ],
    ids=repr,
)
def test_everything_else_is_none(value: object) -> None:
    assert not is_secret_reference(value)
