"""The hooks of the backend ``aws-kms``. boto3 is imported when a key is used, not when a command shows its help."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from anchorhold.errors import InputError
from anchorhold.plugin import API_VERSION, CreatedKey, KeyHandle, OcspStore, hookimpl
from anchorhold_aws_kms import options as models
from anchorhold_aws_kms.key_kinds import CAPABILITIES, key_spec_of

if TYPE_CHECKING:
    from anchorhold.plugin import (
        AddOption,
        BackendContext,
        CreateKeyRequest,
        FindKeyRequest,
        KeyRequest,
        Operation,
        Secrets,
        Signer,
    )
    from anchorhold_aws_kms.keys import FoundKey, Keys
    from anchorhold_aws_kms.service import Service

HANDLE_VERSION = 1
logger = logging.getLogger(__name__)


class KmsBackend:
    """Makes keys in KMS, where they stay, and signs with them there.

    Args:
        options: Of the alias.
        context: Its name.
    """

    anchorhold_api = API_VERSION
    capabilities = CAPABILITIES
    handle_version = HANDLE_VERSION
    Options = models.Options

    def __init__(self, options: models.Options, context: BackendContext) -> None:
        self._options = options
        self._subject = f"key backend {context.alias!r}"

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """An alias for a new key; which key to adopt."""
        if operation == "create":
            add("key-alias", help="Alias of the new key in KMS, without alias/ (default: none).", scope="key")
        if operation == "adopt":
            add("key-id", help="Key to adopt: its id, its ARN, or alias/NAME.", scope="key")

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Make a key in KMS, with the id as a tag."""
        alias = request.options.get("key-alias")
        description = f"anchorhold: {request.role} key of {request.ca.name}"
        name = f"alias/{alias}" if alias else None
        return _created(self._keys.create(request.key_id.hex(), key_spec_of(request.spec), description, name))

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Look at the key; what signs is in KMS."""
        from anchorhold_aws_kms.signer import KmsSigner

        subject = self._subject_of(request)
        return KmsSigner(self._service, self._keys.load(request.handle.data["arn"], subject), subject)

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Look for a key by the id in its tag, or for the one to adopt."""
        if request.key_id is not None:
            return tuple(map(_created, self._keys.find(request.key_id.hex())))
        given = request.options.get("key-id")
        if not isinstance(given, str) or not given:
            raise InputError(f"{self._subject}: no key to adopt was named", hint="give --key-id")
        return (_created(self._keys.load(given, f"{self._subject}, {given}")),) if self._service.describe(given) else ()

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Schedule the deletion; from then on the key signs nothing."""
        arn, days = request.handle.data["arn"], self._options.deletion_window_days
        scheduled = self._keys.delete(arn, self._subject_of(request))
        if scheduled:
            logger.warning(
                "%s: KMS destroys %s in %d days; until then it can be brought back", self._subject, arn, days
            )
        return scheduled

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders need nothing but the credentials of the account."""
        return OcspStore(options={"key-alias": None})

    @cached_property
    def _service(self) -> Service:
        from anchorhold_aws_kms.service import Service

        return Service(self._options, self._subject)

    @cached_property
    def _keys(self) -> Keys:
        from anchorhold_aws_kms.keys import Keys

        return Keys(self._service, self._options.deletion_window_days)

    def _subject_of(self, request: KeyRequest) -> str:
        return f"{self._subject}, key of {request.ca.name!r}"


def _created(key: FoundKey) -> CreatedKey:
    return CreatedKey(handle=KeyHandle(version=HANDLE_VERSION, data={"arn": key.arn}), public_key=key.public_key)
