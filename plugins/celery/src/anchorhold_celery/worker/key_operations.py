"""Operations on keys that a peer asks for; each is the hook of that name, with this host's options and secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.algorithms import KeySpec
from anchorhold.errors import KeyMissingError, SettingsError
from anchorhold.plugin import CertificateAuthority, CreateKeyRequest, FindKeyRequest, KeyHandle, KeyRequest
from anchorhold.public_keys import check_strength, spki
from anchorhold_celery.messages import MessageError, octets, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.audit import AuditContext
    from anchorhold.installation import Installation
    from anchorhold.plugin import CreatedKey, Operation, Role, Secrets
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold_celery.messages import Request
    from anchorhold_celery.worker.settings import Lent


class LentAlias:
    """An alias of this host, for one request.

    Args:
        installation: Of this host.
        request: What is asked.
        lent: What the settings say of the alias.
        audit: Who asks.
        deadline: Until when the key is asked, by `time.monotonic`.
    """

    def __init__(
        self, installation: Installation, request: Request, lent: Lent, audit: AuditContext, deadline: float
    ) -> None:
        self._backends = installation.backends
        self.alias = request.alias
        self.role: Role = "ocsp" if request.role == "ocsp" else "ca"
        self.lent = lent
        self.backend: KeyBackend = self._backends.get(self.alias, self.role).acting_as(audit).until(deadline)

    def secrets(self, operation: Operation) -> Secrets:
        """The secrets that the settings of this host have; nobody is asked.

        Raises:
            SettingsError: Keys of responders would have passwords of their own, which core keeps where it draws them.
        """
        if self.role == "ca":
            return self._backends.secrets(self.alias, {}, operation=operation, ask=False, flags=False)
        if self.backend.ocsp_store().generated:
            raise SettingsError(
                f"{self.backend.identity}: keeps keys of responders with passwords of their own, which cannot travel",
                hint="let the worker's alias keep them without, such as by encrypt_private_key = false",
            )
        return self._backends.ocsp_secrets(self.alias)

    def options(self) -> dict[str, Any]:
        """The options of a new key."""
        if self.role == "ocsp":
            return {**self.backend.ocsp_store().options}
        return {**self._backends.options(self.alias, "create", self.lent.key_options)}


def perform(alias: LentAlias, request: Request) -> dict[str, Any]:
    """Do what a request asks for, and answer.

    Args:
        alias: Whose keys.
        request: Of one of the operations that are here.

    Raises:
        MessageError: The request has not what the operation needs.
        AnchorholdError: It could not be done.
    """
    try:
        return _OPERATIONS[request.operation](alias, request)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageError("has not what the operation needs") from error


def _create_key(alias: LentAlias, request: Request) -> dict[str, Any]:
    content = request.content
    created = alias.backend.create_key(
        CreateKeyRequest(
            key_id=bytes.fromhex(content["key_id"]),
            spec=KeySpec(**content["spec"]),
            ca=_authority(request),
            role=alias.role,
            options=alias.options(),
        ),
        alias.secrets("create"),
    )
    return _key(created)


def _find_key(alias: LentAlias, request: Request) -> dict[str, Any]:
    wanted = FindKeyRequest(key_id=bytes.fromhex(request.content["key_id"]), options=alias.options())
    return {"keys": [_key(found) for found in alias.backend.find_key(wanted, alias.secrets("use"))]}


def _delete_key(alias: LentAlias, request: Request) -> dict[str, Any]:
    """Destroy what a handle leads to, once it has proved to be the key that is named: the handle is a peer's word."""
    key, secrets = key_request(alias, request), alias.secrets("use")
    try:
        alias.backend.load_signer(key, secrets).close()
    except KeyMissingError:
        return {"was_there": False}
    return {"was_there": alias.backend.delete_key(key, secrets)}


def _describe_key(alias: LentAlias, request: Request) -> dict[str, Any]:
    described = alias.backend.describe_key(key_request(alias, request), alias.secrets("use"))
    return {"place": described.place, "made": described.made, "can_leave": described.can_leave}


def _list_keys(alias: LentAlias, _: Request) -> dict[str, Any]:
    return {
        "keys": [
            {
                "name": found.name,
                "key_id": None if found.key_id is None else found.key_id.hex(),
                "public_key": None if found.public_key is None else text(spki(found.public_key)),
            }
            for found in alias.backend.list_keys(alias.secrets("use"))
        ]
    }


def _check_place(alias: LentAlias, _: Request) -> dict[str, Any]:
    return {"not_checked": list(alias.backend.check_place())}


_OPERATIONS: Final[dict[str, Callable[[LentAlias, Request], dict[str, Any]]]] = {
    "create_key": _create_key,
    "find_key": _find_key,
    "delete_key": _delete_key,
    "describe_key": _describe_key,
    "list_keys": _list_keys,
    "check_place": _check_place,
}


def _authority(request: Request) -> CertificateAuthority:
    ca = request.content["ca"]
    return CertificateAuthority(name=str(ca["name"]), subject=str(ca["subject"]))


def key_request(alias: LentAlias, request: Request) -> KeyRequest:
    """The key that a request is about.

    Raises:
        MessageError: It does not say that.
    """
    try:
        public_key = check_strength(load_der_public_key(octets(request.content["public_key"])), "request of a key")
        handle = KeyHandle.from_json(request.content["handle"])
        return KeyRequest(handle=handle, public_key=public_key, ca=_authority(request), role=alias.role)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageError("has not what the operation needs") from error


def _key(created: CreatedKey) -> dict[str, Any]:
    return {"handle": created.handle.to_json(), "public_key": text(spki(created.public_key))}
