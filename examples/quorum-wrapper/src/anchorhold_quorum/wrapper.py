"""The wrapper itself: before a CA key signs, it looks for approvals, waits for them, or refuses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from anchorhold.errors import RefusedError
from anchorhold.plugin import API_VERSION, hookimpl
from anchorhold.public_keys import spki
from anchorhold_quorum import options as models
from anchorhold_quorum.cases import Case
from anchorhold_quorum.folder import Folder

if TYPE_CHECKING:
    from anchorhold.plugin import Signer, SignRequest, WrapperContext, Wrapping

_NAMES: Final = {"certificate": "certificate", "crl": "CRL", "csr": "certificate signing request"}
_PAUSE: Final = 0.25


class Quorum:
    """Lets a CA key sign what enough people have approved.

    Args:
        options: Of the wrapper.
        context: Whose keys these are; those of OCSP responders are none of its business.
    """

    anchorhold_api = API_VERSION
    Options = models.Options

    def __init__(self, options: models.Options, context: WrapperContext) -> None:
        self._options = options
        self._role = context.role
        self._folder = Folder(options.folder)

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        """Find the approvals and use them up, then let the key sign; they come back if it fails to."""
        if not self._guards(request, signer):
            return (yield)
        shown = self._approved(Case.of(request, signer))
        try:
            return (yield)
        except BaseException:
            self._folder.restore(shown)
            raise

    def _guards(self, request: SignRequest, signer: Signer) -> bool:
        """Whether this signature needs approval. A new root's own certificate does not: nobody trusts it yet."""
        if self._role != "ca" or request.purpose not in self._options.purposes:
            return False
        if request.ca.subject in self._options.exempt:
            return False
        draft = request.draft
        own = draft is not None and draft.issuer == draft.subject and spki(draft.public_key) == spki(signer.public_key)
        return not own

    def _approved(self, case: Case) -> Case:
        """The request that was approved for this, taken out of the folder.

        Raises:
            RefusedError: There is none, or approvals are missing when the time to wait is over.
        """
        end = time.monotonic() + self._options.wait
        try:
            while True:
                shown, names = self._best(case)
                if len(names) >= self._options.required and self._folder.spend(shown, case):
                    return shown
                if time.monotonic() >= end:
                    raise self._refusal(shown, names)
                time.sleep(_PAUSE)
        except OSError as error:
            raise RefusedError(
                f"quorum: {error.filename or self._folder.root}: {error.strerror}",
                hint="make the folder of approvals readable and writable; nothing was signed",
            ) from error

    def _best(self, case: Case) -> tuple[Case, list[str]]:
        """The waiting request with most approvals that this repeats, and who approved it; else a new one."""
        days, approvers = self._options.keep_days, self._options.approvers
        found = [shown for shown in self._folder.waiting() if case.repeats(shown, days)]
        if not found:
            self._folder.ask(case)
            return case, []
        rated = [(shown, self._folder.approvers_of(shown, approvers)) for shown in found]
        return max(rated, key=lambda pair: len(pair[1]))

    def _refusal(self, shown: Case, names: list[str]) -> RefusedError:
        by = f" (by {' and '.join(names)})" if names else ""
        what = f"{_NAMES[shown.purpose]} of {shown.ca!r} with the SHA-256 digest {shown.digest}"
        return RefusedError(
            f"quorum: the {what} has {len(names)} of {self._options.required} approvals{by}",
            hint=f"have others approve it with `anchorhold-approve sign {self._folder.root} {shown.digest[:16]} "
            "--name NAME --key FILE`, then give the same command again",
        )
