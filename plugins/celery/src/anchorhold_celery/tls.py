"""TLS to broker and result backend, whose certificates and names are always verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from anchorhold.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SCHEMES: Final = ("amqps", "rediss")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """What is needed where a URL begins with ``amqps`` or ``rediss``.

    Attributes:
        ca_file: Certificates of the authorities of servers, PEM; by default those that the system trusts.
        certificate: Of this host, with those above it, PEM.
        key: Its private key, PEM, not encrypted.
    """

    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def check(self, subject: str, *urls: str) -> None:
        """Refuse files that cannot be used with these URLs.

        Args:
            subject: The section of the settings.
            urls: Of broker and result backend.

        Raises:
            SettingsError: Nothing is encrypted, several servers are named, half of a pair is missing, or a file cannot
                be used.
        """
        given = [path for path in (self.ca_file, self.certificate, self.key) if path is not None]
        if given and not any(map(_is_tls, urls)):
            raise SettingsError(
                f"{subject}: files for TLS are given, and no URL asks for TLS", hint="use amqps:// or rediss://"
            )
        if any(_is_tls(url) and ";" in url for url in urls):
            raise SettingsError(
                f"{subject}: a URL names several servers, and with TLS the name of one is verified",
                hint="name one server",
            )
        if (self.certificate is None) != (self.key is None):
            raise SettingsError(f"{subject}: tls_certificate and tls_key belong together", hint="give both or neither")
        import ssl

        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:  # `ssl.SSLError` is an OSError
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not PEM"
            raise SettingsError(
                f"{subject}: TLS cannot be set up with {', '.join(map(str, given))} ({reason})", hint="check the files"
            ) from error

    def of_broker(self, url: str) -> Mapping[str, Any]:
        """The setting of Celery for the connection to the broker."""
        if not _is_tls(url):
            return {}
        if url.lower().startswith("rediss"):
            return {"broker_use_ssl": self._of_redis()}
        from ssl import CERT_REQUIRED

        files = _named(ca_certs=self.ca_file, certfile=self.certificate, keyfile=self.key)
        # Without a name py-amqp compares none; kombu's own would be 127.0.0.1 for localhost.
        return {"broker_use_ssl": {"cert_reqs": CERT_REQUIRED, "server_hostname": urlsplit(url).hostname, **files}}

    def of_results(self, url: str) -> Mapping[str, Any]:
        """The setting of Celery for the connection to the result backend."""
        return {"redis_backend_use_ssl": self._of_redis()} if _is_tls(url) else {}

    def _of_redis(self) -> Mapping[str, Any]:
        from ssl import CERT_REQUIRED

        files = _named(ssl_ca_certs=self.ca_file, ssl_certfile=self.certificate, ssl_keyfile=self.key)
        return {"ssl_cert_reqs": CERT_REQUIRED, "ssl_check_hostname": True, **files}


def _is_tls(url: str) -> bool:
    return url.strip().lower().startswith(_SCHEMES)


def _named(**paths: Path | None) -> dict[str, str]:
    """Those that are given."""
    return {name: str(path) for name, path in paths.items() if path is not None}
