"""The wrapper on the bench: around one alias, with real requests to let pass and to refuse."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.public_keys import is_signed_by
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.rules import UnmetError, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from anchorhold.plugin import CreatedKey, Purpose, Signer, SignRequest
    from anchorhold.testing.harness import Harness
    from anchorhold.testing.wrappers.inner_backend import Script

PURPOSES: Final[tuple[Purpose, ...]] = ("certificate", "crl", "ocsp", "csr", "probe")


@dataclass(frozen=True)
class WrapperBench:
    """One alias with the wrapper around it.

    Attributes:
        harness: The alias; its hooks are called without core's checks, through the wrapper.
        wrapper: The name of the wrapper.
        key: A key that exists.
        allowed: Requests that the wrapper lets pass, by purpose.
        refused: One that it refuses; None if it refuses nothing.
    """

    harness: Harness
    wrapper: str
    key: CreatedKey
    allowed: Mapping[Purpose, SignRequest]
    refused: SignRequest | None

    @property
    def script(self) -> Script:
        """What the backend inside is told."""
        script: Script = self.harness.instance.script
        return script

    @property
    def instance(self) -> Any:
        """The wrapper itself."""
        return dict(self.harness.backend.manager.list_name_plugin())[f"wrapper {self.wrapper}"]

    @property
    def usual(self) -> SignRequest:
        """The request for rules to which the purpose does not matter."""
        return next(iter(self.allowed.values()))

    @contextmanager
    def signer(self) -> Iterator[Signer]:
        """A signer for the key."""
        signer = self.harness.load(self.key)
        try:
            yield signer
        finally:
            signer.close()

    def sign(self, request: SignRequest, signer: Signer) -> Any:
        """Ask for a signature, through the wrapper."""
        return self.harness.call("sign", request=request, signer=signer)

    def verifies(self, request: SignRequest, signature: Any) -> bool:
        """Whether this is a signature for that request."""
        good = isinstance(signature, bytes)
        return good and is_signed_by(self.key.public_key, signature, request.message, request.algorithm)

    def check_passes(self, request: SignRequest, signer: Signer, what: str) -> None:
        """Ask for a signature that must not be refused; whether it is right is the matter of another rule.

        Raises:
            UnmetError: An error is raised; names it.
        """
        try:
            self.sign(request, signer)
        except Exception as error:
            raise UnmetError(f"{what}: {type(error).__name__}: {error}") from error

    def check_signs(self, request: SignRequest, signer: Signer, what: str) -> None:
        """Ask for a signature that must be right.

        Raises:
            UnmetError: It does not verify.
        """
        expect(self.verifies(request, self.sign(request, signer)), f"{what}: the signature does not verify")

    def is_refused(self, request: SignRequest, signer: Signer) -> bool:
        """Whether a signature is refused; how is the matter of another rule."""
        try:
            self.sign(request, signer)
        except Exception:
            return True
        return False

    def every_hook(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Each hook but `sign`, with a call of it; in an order in which they can be done."""
        made: list[CreatedKey] = []
        harness = self.harness

        def create() -> Any:
            made.append(harness.create())
            return made[-1]

        yield "create_key", create
        yield "find_key", lambda: harness.find(bytes.fromhex(made[-1].handle.data["name"]))
        yield "load_signer", lambda: harness.load(made[-1])
        yield "export_key", lambda: harness.export(made[-1])
        yield "import_key", lambda: harness.import_key(foreign_key(harness)[0])
        yield "delete_key", lambda: harness.delete(made[-1])
        yield "ocsp_store", lambda: harness.call("ocsp_store")
