"""Makes pre-signed responses: reads the status, signs, verifies, writes, and places what is still right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from anchorhold.errors import AnchorholdError, SessionOverError
from anchorhold.operations.ocsp_answers import AnswerTemplate, status_of
from anchorhold.operations.parallel import OrderedParallel
from anchorhold.operations.presigned.folder import write_file
from anchorhold.operations.presigned.state import name_of
from anchorhold.operations.responder_keys import open_responder
from anchorhold.operations.signing import sign_and_verify, sign_and_verify_batch
from anchorhold.operations.signing_key import LazySigner
from anchorhold.x509.ocsp_paths import UsualRequests
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord, RevocationRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.presigned.folder import AnswerFolder
    from anchorhold.operations.responder_keys import OcspKeyLocation
    from anchorhold.plugin.requests import SignRequest
    from anchorhold.x509.ocsp import CertStatus, SingleResponse


class Item(NamedTuple):
    """A certificate that gets responses.

    Attributes:
        id: Its row number.
        serial: Its serial number, hex.
    """

    id: int
    serial: str


class _Made(NamedTuple):
    """A response that was written, and is to be placed.

    Attributes:
        item: The certificate.
        written: Where it is.
        path: Where it belongs.
    """

    item: Item
    written: str
    path: str


class AnswerSigner:
    """Makes the responses of an authority, in one process and one thread.

    Args:
        ledger: What is said of certificates.
        authority: Their issuer.
        responder: Signs; it has a certificate.
        location: Where its key is.
        folder: Where the responses go.
    """

    def __init__(
        self,
        ledger: Ledger,
        authority: Authority,
        responder: ResponderRecord,
        location: OcspKeyLocation,
        folder: AnswerFolder,
    ) -> None:
        self._ledger = ledger
        self._authority = authority
        self._location = location
        self._folder = folder
        self._lent = LazySigner(
            lambda: open_responder(ledger, authority, responder, location), location.backend.close_signer
        )
        self._requests = UsualRequests(authority.certificate)
        self.template = AnswerTemplate.of(authority, responder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lent.close()

    def open(self) -> None:
        """Ask for the key, if that was not done yet: a PIN that is refused here is not tried by other processes.

        Raises:
            AnchorholdError: It cannot be used.
        """
        self._lent.open()

    def write(self, items: Sequence[Item], *, missing_only: bool = False) -> int:
        """Write the responses of certificates, whatever their status; how many there are.

        Args:
            items: The certificates, which are issued and have not expired.
            missing_only: Whether those that are there stay as they are.

        Raises:
            OSError: They cannot be written.
            AnchorholdError: They cannot be signed, or the ledger cannot be read.
        """
        if missing_only:
            items = [item for item in items if not all(map(self._folder.has, self.paths(item)))]
        if not items:
            return 0
        with self._folder.scratch(name_of(self._authority)) as scratch:
            revision, said = self._ledger.revision(), self._revocations(items)
            made = self._make(items, said, f"{scratch}/a")
            with self._folder.shared():
                changed = self._changed(items, revision, said)
                self._place([each for each in made if each.item.id not in changed])
                if changed:
                    again = [item for item in items if item.id in changed]
                    self._place(self._make(again, changed, f"{scratch}/b"))
        return len(made)

    def replace(self, item: Item) -> None:
        """Replace the responses of a certificate, alone in the folder: those that are there go first.

        Raises:
            OSError: They cannot be removed, or not written.
            AnchorholdError: They were removed, and cannot be signed.
        """
        with self._folder.scratch(name_of(self._authority)) as scratch:
            self._place(self._make([item], self._revocations([item]), f"{scratch}/a"))

    def paths(self, item: Item) -> list[str]:
        """Where the responses of a certificate belong."""
        return [request.path for request in self._requests.of(int(item.serial, 16))]

    def _revocations(self, items: Sequence[Item]) -> Mapping[int, RevocationRecord]:
        with self._ledger.translate_errors():
            return self._ledger.revocations.of([item.id for item in items])

    def _changed(
        self, items: Sequence[Item], revision: int, said: Mapping[int, RevocationRecord]
    ) -> dict[int, RevocationRecord | None]:
        """What the ledger says now of those of which it has said something else before."""
        if self._ledger.revision() == revision:
            return {}
        now_said = self._revocations(items)
        return {item.id: now_said.get(item.id) for item in items if now_said.get(item.id) != said.get(item.id)}

    def _make(self, items: Sequence[Item], said: Mapping[int, RevocationRecord | None], beginning: str) -> list[_Made]:
        """Sign and write responses; the names of the files begin as given."""
        produced_at, encoder = now(), self.template.encoder
        singles: list[tuple[Item, str, SingleResponse]] = []
        for item in items:
            status: CertStatus = status_of(said.get(item.id))
            for cert_id, path in self._requests.of(int(item.serial, 16)):
                singles.append((item, path, self.template.single(cert_id, status, produced_at)))
        data = [encoder.response_data(single, produced_at, None) for *_, single in singles]
        asked = [self.template.request(each, single) for each, (*_, single) in zip(data, singles, strict=True)]
        made = []
        for number, signature in enumerate(self._signatures(asked)):
            item, path, _ = singles[number]
            written = f"{beginning}{number}"
            write_file(written, encoder.assemble(data[number], signature))
            made.append(_Made(item, written, path))
        return made

    def _place(self, made: Sequence[_Made]) -> None:
        for each in made:
            self._folder.place(each.written, each.path)

    def _signatures(self, asked: Sequence[SignRequest]) -> list[bytes]:
        backend = self._location.backend
        if not backend.supports("sign_batch"):
            threads = backend.capabilities.threads(1)  # those in this computer sign in several processes
            return OrderedParallel[bytes](len(asked), threads).run(lambda number: self._sign(asked[number]))
        size, signed = backend.capabilities.batch_limit, []
        for begin in range(0, len(asked), size):
            part = asked[begin : begin + size]
            outcomes = sign_and_verify_batch(backend, self._lent.open(), self.template.public_key, part)
            signed += [self._settled(request, outcome) for request, outcome in zip(part, outcomes, strict=True)]
        return signed

    def _settled(self, request: SignRequest, outcome: bytes | AnchorholdError) -> bytes:
        """A signature; made once more if the session was over."""
        if isinstance(outcome, SessionOverError):
            return self._sign(request)
        if isinstance(outcome, AnchorholdError):
            raise outcome
        return outcome

    def _sign(self, request: SignRequest) -> bytes:
        backend, signer = self._location.backend, self._lent.open()
        try:
            return sign_and_verify(backend, signer, self.template.public_key, request)
        except SessionOverError:
            return sign_and_verify(backend, self._lent.replacement(signer), self.template.public_key, request)
