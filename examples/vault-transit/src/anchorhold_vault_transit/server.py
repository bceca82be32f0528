"""The server: one HTTP client for each process, and what to tell a person about its failures."""

from __future__ import annotations

import os
import ssl
import weakref
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchorhold.errors import AnchorholdError, BackendFailedError, SecretWrongError, SettingsError

if TYPE_CHECKING:
    from anchorhold.seam import Secret
    from anchorhold_vault_transit.options import Options

_STATES: Final[dict[int, tuple[type[AnchorholdError], str, str]]] = {
    403: (
        SecretWrongError,
        "the server refuses the token, or its policy does not allow this request",
        "give a valid token, with a policy for {path}",
    ),
    412: (BackendFailedError, "the server has not caught up with another one", "try again"),
    429: (BackendFailedError, "the server limits the rate of requests", "try again in a minute, or ask for more"),
    503: (BackendFailedError, "the server is sealed, or down for maintenance", "have it unsealed"),
}
"""By HTTP status (https://developer.hashicorp.com/vault/api-docs, "HTTP status codes")."""


class Server:
    """One server as one alias sees it. Threads share it; a forked child gets connections of its own.

    Args:
        options: Of the alias.
        subject: What to call the backend in messages.
    """

    def __init__(self, options: Options, subject: str) -> None:
        self._options = options
        self._opened: tuple[int, httpx.Client | None] = 0, None
        self.subject = f"{subject}, {str(options.address).rstrip('/')}"

    def request(self, method: str, path: str, token: Secret, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make a request below the mount; its ``data``, empty if there is none.

        Raises:
            LookupError: There is nothing under that path.
            AnchorholdError: It failed; no cause is attached, because those of httpx hold the request with its token.
        """
        text = token.reveal().strip()
        if not (text.isascii() and text.isprintable()):  # httpx would show it in its exception
            raise SecretWrongError(f"{self.subject}: the token has characters that no token has", hint="correct it")
        try:
            answer = self._client().request(
                method, f"/v1/{self._options.mount}/{path}", json=payload, headers={"X-Vault-Token": text}
            )
        except httpx.TimeoutException:
            raise self._failed("did not answer in time", "check the address, or give a longer timeout") from None
        except httpx.TransportError as error:
            raise self._unreachable(str(error)) from None
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
            kind, problem, hint = _STATES[answer.status_code]
            raise kind(f"{self.subject}: {problem}", hint=hint.format(path=path))
        problem = f"answered {answer.status_code} to {path}" + (f" ({' '.join(said.split())[:200]})" if said else "")
        raise self._failed(problem, "check the options mount and namespace, and that the engine is transit")

    def _unreachable(self, reason: str) -> BackendFailedError:
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return self._failed("its certificate is not trusted", "name the authority's certificate as ca_file")
        return self._failed("cannot be reached", "check the address and the network")

    def _failed(self, problem: str, hint: str) -> BackendFailedError:
        return BackendFailedError(f"{self.subject}: {problem}", hint=hint)

    def _client(self) -> httpx.Client:
        """Without a lock, which a fork could leave locked; at worst two threads open one each, and one is forgotten."""
        process, client = self._opened
        if client is None or process != os.getpid():  # connections must not be shared with a parent
            client = self._open()
            self._opened = os.getpid(), client
            weakref.finalize(self, client.close).atexit = False  # a child's end must not end its parent's connections
        return client

    def _open(self) -> httpx.Client:
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
        return httpx.Client(base_url=str(options.address), headers=headers, verify=trust, timeout=options.timeout)
