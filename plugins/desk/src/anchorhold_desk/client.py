"""A client of the desk's REST API, for programs with a token; it needs httpx (``anchorhold-desk[client]``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from anchorhold_desk.api.accounts import Me
from anchorhold_desk.api.authorities import AuthorityDetail, AuthorityItem, AuthorityList
from anchorhold_desk.api.certificates import DER, PEM_CHAIN, CertificateDetail, CertificateItem, CertificatePage
from anchorhold_desk.api.histories import HistoryItem, HistoryList
from anchorhold_desk.api.requests import RequestItem, RequestPage

if TYPE_CHECKING:
    import datetime as dt
    import ssl
    from collections.abc import Iterator, Mapping, Sequence

    from anchorhold_desk.api.model import Model

M = TypeVar("M", bound="Model")

ROOT = "/api/v1"


class DeskError(Exception):
    """What the desk says is wrong (RFC 9457).

    Args:
        status: Of HTTP.
        problem: The members of the answer.

    Attributes:
        status: Of HTTP.
        code: What kind of error it is; it never changes.
        problem: The members of the answer.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('detail', 'desk: no answer that can be read')}; {problem.get('hint', '')}")
        self.status = status
        self.code = str(problem.get("code", ""))
        self.problem = problem


class DeskClient:
    """A client; a context manager that closes its connections. Every method raises `DeskError`, and those of httpx.

    Args:
        url: Of the desk, such as ``https://desk.example.com``.
        token: An API token.
        verify: How the certificate of the desk is verified.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, url: str, token: str, *, verify: ssl.SSLContext | bool = True, timeout: float = 60) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=f"{url}{ROOT}", headers=headers, verify=verify, timeout=timeout)

    def __repr__(self) -> str:
        return f"<DeskClient {self._http.base_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def me(self) -> Me:
        """The account of the token."""
        return self._get(Me, "/me")

    def authorities(self) -> Sequence[AuthorityItem]:
        """The authorities that the account may see."""
        return self._get(AuthorityList, "/authorities").items

    def authority(self, name: str) -> AuthorityDetail:
        """An authority by its name."""
        return self._get(AuthorityDetail, f"/authorities/{_quoted(name)}")

    def make_crls(self, name: str, secrets: Mapping[str, str] | None = None) -> AuthorityDetail:
        """Make the CRLs of an authority."""
        return self._post(AuthorityDetail, f"/authorities/{_quoted(name)}/crls", {"secrets": dict(secrets or {})})

    def make_responder(
        self, name: str, ocsp_key_backend: str | None = None, secrets: Mapping[str, str] | None = None
    ) -> AuthorityDetail:
        """Make a new OCSP responder for an authority, with its key in that OCSP key backend from now on."""
        content = {"ocsp_key_backend": ocsp_key_backend, "secrets": dict(secrets or {})}
        return self._post(AuthorityDetail, f"/authorities/{_quoted(name)}/responder", content)

    def certificates(
        self,
        *,
        authority: str | None = None,
        profile: str | None = None,
        revoked: bool | None = None,
        expired: bool = False,
        expiring: dt.datetime | None = None,
    ) -> Iterator[CertificateItem]:
        """Certificates, read page by page.

        Args:
            authority: Of this authority only; the account may see them all otherwise.
            profile: Of this profile only.
            revoked: Only those that are revoked, or only those that are not; None for both.
            expired: Whether those that have expired are among them.
            expiring: Only those that expire until then; with a zone.
        """
        wanted = {"authority": authority, "profile": profile, "revoked": revoked, "expired": expired}
        query = _query({**wanted, "expiring": None if expiring is None else expiring.isoformat()})
        while True:
            page = self._get(CertificatePage, "/certificates", query)
            yield from page.items
            if page.next is None:
                return
            query["cursor"] = page.next

    def certificate(self, serial: str) -> CertificateDetail:
        """A certificate by its serial number in hex."""
        return self._get(CertificateDetail, f"/certificates/{_quoted(serial)}")

    def certificate_pem(self, serial: str) -> bytes:
        """A certificate and its chain as PEM."""
        return self._send("GET", f"/certificates/{_quoted(serial)}", headers={"accept": PEM_CHAIN})

    def certificate_der(self, serial: str) -> bytes:
        """A certificate in DER."""
        return self._send("GET", f"/certificates/{_quoted(serial)}", headers={"accept": DER})

    def revoke(self, serial: str, reason: str = "unspecified") -> CertificateItem:
        """Revoke a certificate, or put it on hold (RFC 5280, section 5.3.1)."""
        return self._post(CertificateItem, f"/certificates/{_quoted(serial)}/revoke", {"reason": reason})

    def release(self, serial: str) -> CertificateItem:
        """Remove the hold from a certificate."""
        return self._post(CertificateItem, f"/certificates/{_quoted(serial)}/release")

    def submit(
        self,
        authority: str,
        csr: str,
        *,
        names: Sequence[str] = (),
        profile: str | None = None,
        subject: str | None = None,
        expires: dt.datetime | None = None,
        copy: Sequence[str] = (),
        key: str | None = None,
    ) -> RequestItem:
        """Submit a request.

        Args:
            authority: The authority that is to sign it.
            csr: The CSR as PEM.
            names: Subject alternative names.
            profile: Name of the profile; by default that of the authority.
            subject: Distinguished name (RFC 4514); by default as the profile says.
            expires: End of validity, with a zone; by default as the profile says.
            copy: What to copy from the CSR: ``subject``, ``alt``.
            key: Idempotency key; the same request with the same key is submitted once. By default a new one.
        """
        content = {
            "authority": authority,
            "csr": csr,
            "names": list(names),
            "profile": profile,
            "subject": subject,
            "expires": None if expires is None else expires.isoformat(),
            "copy": list(copy),
        }
        return self._post(RequestItem, "/requests", content, key)

    def requests(self, *, status: str | None = None, authority: str | None = None) -> Iterator[RequestItem]:
        """Requests that the account may see, read page by page.

        Args:
            status: ``waiting``, ``reserved``, ``issued`` or ``rejected`` only.
            authority: For this authority only.
        """
        query = _query({"status": status, "authority": authority})
        while True:
            page = self._get(RequestPage, "/requests", query)
            yield from page.items
            if page.next is None:
                return
            query["cursor"] = page.next

    def request(self, number: int) -> RequestItem:
        """A request by its number."""
        return self._get(RequestItem, f"/requests/{number}")

    def approve(self, number: int) -> RequestItem:
        """Approve a request; with the last approval that it needs it is signed."""
        return self._post(RequestItem, f"/requests/{number}/approve")

    def reject(self, number: int, reason: str) -> RequestItem:
        """Reject a request."""
        return self._post(RequestItem, f"/requests/{number}/reject", {"reason": reason})

    def sign(self, number: int, secrets: Mapping[str, str] | None = None) -> RequestItem:
        """Sign a request that was approved and could not be signed then."""
        return self._post(RequestItem, f"/requests/{number}/sign", {"secrets": dict(secrets or {})})

    def history(
        self,
        *,
        authority: str | None = None,
        actor: str | None = None,
        serial: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int = 100,
    ) -> Sequence[HistoryItem]:
        """What was done, the newest first.

        Args:
            authority: To or by this authority only; the account may see them all otherwise.
            actor: By this actor only.
            serial: To the certificate with this serial number only.
            since: Not before this moment, with a zone.
            until: Before this moment, with a zone.
            limit: How many at most, up to 1000.
        """
        moments = {name: each and each.isoformat() for name, each in (("since", since), ("until", until))}
        query = _query({"authority": authority, "actor": actor, "serial": serial, "limit": limit, **moments})
        return self._get(HistoryList, "/history", query).items

    def _get(self, model: type[M], path: str, query: Mapping[str, str] | None = None) -> M:
        return model.model_validate_json(self._send("GET", path, params=query))

    def _post(self, model: type[M], path: str, content: Mapping[str, Any] | None = None, key: str | None = None) -> M:
        headers = {"idempotency-key": key or str(uuid4())}
        return model.model_validate_json(self._send("POST", path, json=content, headers=headers))

    def _send(self, method: str, path: str, **options: Any) -> bytes:
        answer = self._http.request(method, path, **options)
        if answer.is_success:
            return answer.content
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        raise DeskError(answer.status_code, problem if isinstance(problem, dict) else {})


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _query(given: Mapping[str, Any]) -> dict[str, str]:
    """What is given of a query, as text."""
    return {name: _text(value) for name, value in given.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
