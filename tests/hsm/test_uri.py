"""PKCS#11 URIs (RFC 7512)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchorhold_hsm.uri import PATH_ATTRIBUTES, QUERY_ATTRIBUTES, Pkcs11Uri, parse_uri


@pytest.mark.parametrize(
    ("text", "path", "query", "key_id"),
    [
        ("pkcs11:", {}, {}, None),
        ("pkcs11:object=my-pubkey;type=public", {"object": "my-pubkey", "type": "public"}, {}, None),
        ("pkcs11:id=%69%95%3E%5C", {}, {}, b"\x69\x95\x3e\x5c"),
        ("pkcs11:id=;token=", {"token": ""}, {}, b""),
        ("pkcs11:id=abc%00", {}, {}, b"abc\0"),
        (
            "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;"
            "object=my-certificate;type=cert;id=%69?pin-source=file:/etc/token_pin",
            {
                "token": "The Software PKCS#11 Softtoken",
                "manufacturer": "Snake Oil, Inc.",
                "model": "1.0",
                "object": "my-certificate",
                "type": "cert",
            },
            {"pin-source": "file:/etc/token_pin"},
            b"\x69",
        ),
        (
            "pkcs11:token=a&b;x-vendor=1?x-more=2&module-path=/a/b.so",
            {"token": "a&b"},
            {"module-path": "/a/b.so"},
            None,
        ),
        ("pkcs11:token=Schl%C3%BCssel?module-path=/a?b", {"token": "Schlüssel"}, {"module-path": "/a?b"}, None),
    ],
)
def test_a_uri_is_read(text: str, path: dict[str, str], query: dict[str, str], key_id: bytes | None) -> None:
    uri = parse_uri(text)
    assert (dict(uri.path), dict(uri.query), uri.id) == (path, query, key_id)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PKCS11:token=a", "begins with"),
        ("pkcs11:token=a;token=b", "'token' is twice"),
        ("pkcs11:token=a?pin-source=a&pin-source=b", "'pin-source' is twice"),
        ("pkcs11:token", "'token' of the PKCS#11 URI cannot be read"),
        ("pkcs11:token=a;", "cannot be read"),
        ("pkcs11:token=%zz", "'token' of the PKCS#11 URI cannot be read"),
        ("pkcs11:token=%C3", "'token' of the PKCS#11 URI is not UTF-8"),
        ("pkcs11:=a", "cannot be read"),
        ("pkcs11:token=a?object=b", "'object' is in the wrong part"),
        ("pkcs11:module-path=/a.so", "'module-path' is in the wrong part"),
        ("pkcs11:token=a#b", "'token' of the PKCS#11 URI cannot be read"),
    ],
)
def test_what_is_no_uri_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_uri(text)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("?pin-value=canary%zz", "'pin-value' of the PKCS#11 URI cannot be read"),
        ("?pin-value=12&canary#", "an attribute of the PKCS#11 URI cannot be read"),
        ("?pin-value=12&canary=1&canary=2", "an attribute is twice"),
        (";pin-value=canary", "'pin-value' is in the wrong part"),
        (";pin-source=file:canary", "'pin-source' is in the wrong part"),
        ("&pin-value=canary", "'token' of the PKCS#11 URI has another one in its value"),
        ("%26pin-value%3Dcanary", "'token' of the PKCS#11 URI has another one in its value"),
        ("?module-path=/a.so;pin-value=canary", "'module-path' of the PKCS#11 URI has another one in its value"),
    ],
)
def test_a_pin_in_the_wrong_place_of_a_uri_is_refused_and_not_shown(rest: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_uri(f"pkcs11:token=a{rest}")
    assert "canary" not in str(caught.value)


@settings(max_examples=50)
@given(
    path=st.dictionaries(st.sampled_from([name for name in PATH_ATTRIBUTES if name != "id"]), st.text()),
    query=st.dictionaries(st.sampled_from(QUERY_ATTRIBUTES), st.text()),
    key_id=st.none() | st.binary(),
)
def test_a_written_uri_is_read_as_it_was(path: dict[str, str], query: dict[str, str], key_id: bytes | None) -> None:
    uri = Pkcs11Uri(path, query, key_id)
    assert parse_uri(str(uri)) == uri
