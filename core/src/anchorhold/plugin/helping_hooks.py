"""Hooks that a backend may leave out and no command misses: core does without, more slowly or less tidily."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.plugin.hook_markers import hookspec

if TYPE_CHECKING:
    from anchorhold.plugin.batch_signing import Outcome
    from anchorhold.plugin.requests import Signer, SignRequest


class HelpingSpec:
    """What makes a distant key quicker, and an end tidier."""

    @hookspec(firstresult=True)
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Outcome]:  # type: ignore[empty-body]
        """Make many signatures by one call, for a key that is far away. Optional.

        Called for batches, with up to `Capabilities.batch_limit` requests, by as many threads as `Capabilities.at_once`
        says. Each request passes the wrappers of `sign` as if it were alone; one that they refuse is left out here.

        Args:
            requests: What is to be signed.
            signer: From `load_signer`.

        Returns:
            For each request, in order, its signature or the error that ``Signer.sign`` would raise. One that cannot be
            signed stops no other.

        Raises:
            BackendFailedError: For all of them, as when nothing is reached; `BackendBusyError` and `SessionOverError`
                are asked again.

        Example::

            class Batching:
                anchorhold_api = 1

                def __init__(self, options, context):
                    pass

                @hookimpl
                def sign_batch(self, requests, signer):
                    def outcome(request):
                        try:
                            return signer.sign(request.message, request.algorithm)
                        except Exception as error:  # of this request alone
                            return error

                    return [outcome(request) for request in requests]
        """

    @hookspec
    def close_backend(self) -> None:
        """Give back what the instance holds: connections, threads, sessions. Optional.

        Called once, when the installation is closed or its process ends, after the signers were closed; never by a
        child that has inherited the instance.

        Raises:
            BackendFailedError: Something could not be given back; that is a warning, as is any other exception.

        Example::

            class Connected:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.connections = ["one"]

                @hookimpl
                def close_backend(self):
                    self.connections.clear()
        """


HELPING_HOOKS = ("sign_batch", "close_backend")
"""What a key backend may leave out without a command that misses it: core does without."""
