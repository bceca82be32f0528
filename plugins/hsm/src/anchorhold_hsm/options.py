"""What may stand in the settings for this backend."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anchorhold.plugin import SecretReference
from anchorhold_hsm.uri import Pkcs11Uri, parse_uri

MAX_SESSIONS: Final = 8
"""Sessions that sign at once, unless told otherwise: some tokens have no more than 16 for all of their users."""

_FROM_PATH: Final = {"token": "token", "serial": "token_serial", "slot-id": "slot"}
_FROM_QUERY: Final = {"module-path": "library_path"}
_UNUSABLE: Final = {
    "pin-value": "holds a PIN, which then stands in too many places: leave pin-value out and set user_pin",
    "module-name": "names a module without its file: write module-path, or set library_path",
}


class Options(BaseModel):
    """``key_backends.<alias>.options``.

    Attributes:
        library_path: The PKCS#11 module: an absolute path, or a bare file name that the system's loader looks for.
        library_parameters: Handed to the module when it is initialised, for modules that want it (NSS).
        token: Label of the token.
        token_serial: Serial number of the token.
        slot: Number of the slot it is in.
        uri: All of this as a PKCS#11 URI (RFC 7512).
        user_pin: PIN of the user.
        so_pin: PIN of the security officer, instead of the user's.
        protected_auth: Whether the PIN is typed at the device.
        max_sessions: Sessions that sign at once; one more holds the login.
        serialise: Whether the module gets one call at a time, for modules that race.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    library_path: str
    library_parameters: str | None = None
    token: str | None = None
    token_serial: str | None = None
    slot: Annotated[int, Field(ge=0)] | None = None
    uri: str | None = None
    user_pin: SecretReference | None = None
    so_pin: SecretReference | None = None
    protected_auth: bool = False
    max_sessions: Annotated[int, Field(ge=1, le=1000)] = MAX_SESSIONS
    serialise: bool = False

    @model_validator(mode="before")
    @classmethod
    def _take_from_uri(cls, given: Any) -> Any:
        """A URI says the same as the single options; both may be there if they agree."""
        if not isinstance(given, dict) or not isinstance(given.get("uri"), str):
            return given
        return _merged(dict(given), parse_uri(given["uri"]))

    @model_validator(mode="after")
    def _check(self) -> Options:
        if "/" in self.library_path and not self.library_path.startswith("/"):
            raise ValueError("library_path must be an absolute path, or a bare file name")
        if not self.library_path or "\0" in self.library_path:
            raise ValueError("library_path is empty or has a NUL in it")
        if self.token is None and self.token_serial is None and self.slot is None and not self.wanted.path:
            raise ValueError("one of token, token_serial, slot or uri must say which token is meant")
        given = [name for name in ("user_pin", "so_pin", "protected_auth") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both set; leave one of them out")
        return self

    @property
    def wanted(self) -> Pkcs11Uri:
        """The URI; an empty one if there is none."""
        return parse_uri(self.uri) if self.uri is not None else Pkcs11Uri()


class OcspOptions(Options):
    """``ocsp_key_backends.<alias>.options``: the same, but without a PIN typed at the device."""

    @model_validator(mode="after")
    def _check_unattended(self) -> OcspOptions:
        if self.protected_auth:
            raise ValueError("protected_auth needs a person at the device; set user_pin for OCSP keys")
        if self.so_pin is not None:
            raise ValueError("the security officer cannot sign; set user_pin for OCSP keys")
        return self


def _merged(given: dict[str, Any], uri: Pkcs11Uri) -> dict[str, Any]:
    for name, reason in _UNUSABLE.items():
        if name in uri.query:
            raise ValueError(f"the uri {reason}")
    if uri.names_a_key:
        raise ValueError("the uri names a key; here it names a token, and commands name the key")
    found: dict[str, Any] = {option: uri.path[name] for name, option in _FROM_PATH.items() if name in uri.path}
    found |= {option: uri.query[name] for name, option in _FROM_QUERY.items() if name in uri.query}
    if "slot" in found:
        found["slot"] = _number(found["slot"])
    if "pin-source" in uri.query:
        found["user_pin"] = {"file": _pin_file(uri.query["pin-source"])}
    for option, value in found.items():
        if given.setdefault(option, value) != value:
            raise ValueError(f"{option} and the uri do not agree")
    return given


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("slot-id in the uri is not a number")
    return int(text)


def _pin_file(source: str) -> str:
    """The path in ``pin-source``: a file URI or an absolute path (RFC 7512, section 2.4)."""
    path = source.removeprefix("file:")
    path = "/" + path.lstrip("/") if path.startswith("/") else path
    if not path.startswith("/"):
        raise ValueError("pin-source in the uri must be file: and an absolute path")
    return path
