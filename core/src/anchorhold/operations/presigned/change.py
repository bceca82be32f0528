"""Replaces the pre-signed responses of one certificate whose status has just changed, before anybody is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, OcspResponsesError
from anchorhold.operations.presigned.signing import AnswerSigner, Item
from anchorhold.operations.presigned.state import has_state
from anchorhold.remedy import Remedy
from anchorhold.x509.ocsp_paths import UsualRequests
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.ledger import CertificateRecord, Ledger
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.presigned.folder import AnswerFolder
    from anchorhold.operations.responder_keys import OcspKeyLocation


def replace_responses(
    ledger: Ledger,
    authority: Authority,
    certificate: CertificateRecord,
    places: Callable[[str], OcspKeyLocation],
    folder: AnswerFolder,
) -> None:
    """Let the files say what the ledger says since the last commit.

    What is outdated goes first: until there is something new, the server behind the files is asked.

    Args:
        ledger: Where the status is.
        authority: The issuer.
        certificate: Whose status has changed.
        places: From an alias of ``ocsp_key_backends`` to its place.
        folder: Where the responses are; nothing is done if this authority has none there.

    Raises:
        OcspResponsesError: They may still be there, or were removed and not made again. What the ledger has stands.
    """
    state = "were not replaced"
    try:
        if not folder.is_made:
            raise _failed(authority, certificate, folder, state, "it is not there")
        item = Item(certificate.id, certificate.serial)
        paths = [request.path for request in UsualRequests(authority.certificate).of(int(certificate.serial, 16))]
        if not has_state(folder, authority) and not any(map(folder.has, paths)):
            return
        with folder.alone():
            for path in paths:
                folder.remove(path)
            state = "were removed, and not made again"
            if certificate.status == "issued" and certificate.not_after > now():
                _make(ledger, authority, item, places, folder)
            folder.sync_paths(paths)
    except OSError as error:
        raise _failed(authority, certificate, folder, state, str(error.strerror)) from error
    except OcspResponsesError:
        raise
    except AnchorholdError as error:
        raise _failed(authority, certificate, folder, state, error.problem) from error


def _make(
    ledger: Ledger,
    authority: Authority,
    item: Item,
    places: Callable[[str], OcspKeyLocation],
    folder: AnswerFolder,
) -> None:
    with ledger.translate_errors():
        responder = ledger.responders.active(authority.record.id)
    if responder is None or responder.not_after is None or responder.not_after <= now():
        return  # the server behind the files says what it says without a responder
    with AnswerSigner(ledger, authority, responder, places(responder.key_backend), folder) as signer:
        signer.replace(item)


def _failed(
    authority: Authority, certificate: CertificateRecord, folder: AnswerFolder, what: str, cause: str
) -> OcspResponsesError:
    return OcspResponsesError(
        f"certificate {certificate.serial}: its new status is recorded, but its OCSP responses in {folder.path} "
        f"{what} ({cause})",
        hint="mend that, and write them again",
        remedy=Remedy("ocsp_responses.generate", {"authority": authority.name}),
    )
