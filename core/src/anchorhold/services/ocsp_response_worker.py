"""A process that makes pre-signed OCSP responses for another one; see `anchorhold.operations.presigned.workers`."""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError
from anchorhold.operations.presigned.folder import AnswerFolder
from anchorhold.operations.presigned.signing import AnswerSigner
from anchorhold.operations.presigned.workers import serve_chunks
from anchorhold.services.context import ServiceContext
from anchorhold.services.responders import ResponderService
from anchorhold.settings import load_settings

if TYPE_CHECKING:
    from anchorhold.operations.presigned.workers import WorkerOrder


def main(descriptor: int) -> None:
    """Do what is asked for over a connection, until it ends.

    Args:
        descriptor: Of the connection.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that has started this one decides
    with Connection(descriptor) as connection:
        order: WorkerOrder = connection.recv()
        try:
            with _signer(order) as signer:
                serve_chunks(connection, signer)
        except AnchorholdError as error:
            connection.send(error)


def _signer(order: WorkerOrder) -> AnswerSigner:
    loaded = load_settings(order.config, order.environment)
    opened = ServiceContext.of(loaded, order.environment, None, order.audit, create=False)
    context = opened if order.deadline is None else opened.until(order.deadline)
    ledger, authority = context.ledger, context.authority_of_row(order.authority_id)
    with ledger.translate_errors():
        responder = ledger.responders.get(order.responder_id)
    location = ResponderService(context).location(responder.key_backend)
    return AnswerSigner(ledger, authority, responder, location, AnswerFolder(order.folder))


if __name__ == "__main__":
    main(int(sys.argv[1]))
