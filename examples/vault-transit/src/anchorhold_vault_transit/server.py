"""The server, and what to tell a person about its failures."""

from __future__ import annotations

import ssl
import weakref
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchorhold.errors import AnchorholdError, BackendFailedError, SecretWrongError, SettingsError
from anchorhold.plugin import Failure, RemoteService

if TYPE_CHECKING:
    from anchorhold.plugin import Secret
    from anchorhold_vault_transit.options import Options

_STATES: Final = {
    403: Failure(
        SecretWrongError,
        "the server refuses the token, or its policy does not allow this request",
        "give a valid token, with a policy for {path}",
    ),
    412: Failure(BackendFailedError, "the server has not caught up with another one", "try again"),
    429: Failure(
        BackendFailedError, "the server limits the rate of requests", "try again in a minute, or ask for more"
    ),
    503: Failure(BackendFailedError, "the server is sealed, or down for maintenance", "have it unsealed"),
}
"""By HTTP status (https://developer.hashicorp.com/vault/api-docs, "HTTP status codes")."""
_UNTRUSTED: Final = Failure(
    BackendFailedError, "its certificate is not trusted", "name the authority's certificate as ca_file"
)
_UNREACHABLE: Final = Failure(BackendFailedError, "cannot be reached", "check the address and the network")
_SLOW: Final = Failure(BackendFailedError, "did not answer in time", "check the address, or give a longer timeout")


class Server(RemoteService[httpx.Client]):
    """One server as one alias sees it.

    Args:
        options: Of the alias.
        subject: What to call the backend in messages.
    """

    shows_cause = False  # exceptions of httpx hold the request with its token

    def __init__(self, options: Options, subject: str) -> None:
        super().__init__(f"{subject}, {str(options.address).rstrip('/')}")
        self._options = options

    def request(self, method: str, path: str, token: Secret, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make a request below the mount; its ``data``, empty if there is none.

        Raises:
            LookupError: There is nothing under that path.
            AnchorholdError: It failed.
        """
        text = token.reveal().strip()
        if not (text.isascii() and text.isprintable()):  # httpx would show it in its exception
            raise SecretWrongError(f"{self.subject}: the token has characters that no token has", hint="correct it")
        with self.client() as client:
            answer = client.request(
                method, f"/v1/{self._options.mount}/{path}", json=payload, headers={"X-Vault-Token": text}
            )
        return self._data(answer, f"{self._options.mount}/{path}")

    def _data(self, answer: httpx.Response, path: str) -> dict[str, Any]:
        try:
            content = answer.json() if answer.content else {}
        except ValueError:
            raise self._failed(f"answered {answer.status_code}, not in JSON", "check the address") from None
        said = "; ".join(map(str, content.get("errors") or ()))
        if answer.status_code == httpx.codes.NOT_FOUND and not said:
            raise LookupError(path)
        if answer.is_success:
            return dict(content.get("data") or {})
        if answer.status_code in _STATES:
            raise _STATES[answer.status_code].error(self.subject, path=path)
        problem = f"answered {answer.status_code} to {path}" + (f" ({' '.join(said.split())[:200]})" if said else "")
        raise self._failed(problem, "check the options mount and namespace, and that the engine is transit")

    def _failed(self, problem: str, hint: str) -> BackendFailedError:
        return BackendFailedError(f"{self.subject}: {problem}", hint=hint)

    def translate(self, error: Exception, subject: str, facts: dict[str, str]) -> AnchorholdError | None:
        """What an exception of httpx means."""
        if isinstance(error, httpx.TimeoutException):
            return _SLOW.error(subject, **facts)
        if isinstance(error, httpx.TransportError):
            return (_UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in str(error) else _UNREACHABLE).error(subject, **facts)
        return None

    def open_client(self) -> httpx.Client:
        """A client with the options of the alias; its connections end with this object.

        Raises:
            SettingsError: The certificates of `ca_file` cannot be read.
        """
        options = self._options
        headers = {"X-Vault-Request": "true"}
        if options.namespace is not None:
            headers["X-Vault-Namespace"] = options.namespace
        try:
            trust = ssl.create_default_context(cafile=options.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"{self.subject}: no certificates can be read from {options.ca_file}", hint="correct the option ca_file"
            ) from error
        client = httpx.Client(base_url=str(options.address), headers=headers, verify=trust, timeout=options.timeout)
        weakref.finalize(self, client.close).atexit = False  # a child's end must not end its parent's connections
        return client
