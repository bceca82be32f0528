"""Authorities: what they are, their CRLs, their OCSP responders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.secret import Secret
from anchorhold.x509.describe import describe
from anchorhold.x509.pem import pem_of
from anchorhold_desk.api.endpoint import Call, Endpoint, Link
from anchorhold_desk.api.model import Model, Name, Secrets, Told
from anchorhold_desk.roles import Act

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from anchorhold.operations.authority import Authority


class AuthorityItem(Model):
    """An authority."""

    name: str
    status: str
    subject: str
    serial: str | None
    parent: str | None
    key_backend: str
    key_backend_type: str
    not_after: Told | None
    hostname: str | None
    crl_urls: list[str]
    crl_shards: int | None
    ocsp_urls: list[str]
    issuer_urls: list[str]
    issuer_alt: list[str]
    policies: list[str]
    default_profile: str | None
    max_days: int | None
    ocsp_key_backend: str
    ocsp_unknown: str
    hash: str | None
    rsa_padding: str | None


class ResponderItem(Model):
    """The OCSP responder that answers for an authority."""

    status: str
    key_backend: str
    serial: str | None
    not_after: Told | None
    answers_until: Told | None


class CrlItem(Model):
    """The newest CRL of a kind."""

    shard: int | None
    number: int
    this_update: Told
    next_update: Told


class AuthorityDetail(AuthorityItem):
    """An authority with its certificate, and what it publishes."""

    certificate: dict[str, Any] | None
    pem: str | None
    responder: ResponderItem | None
    crls: list[CrlItem]


class AuthorityList(Model):
    """Authorities, oldest first."""

    items: list[AuthorityItem]


class CrlsWanted(Model):
    """What is needed to make CRLs."""

    secrets: Secrets


class ResponderWanted(Model):
    """What is needed to make a new OCSP responder."""

    ocsp_key_backend: Name | None = None
    secrets: Secrets


def given_secrets(secrets: Mapping[str, SecretStr]) -> dict[str, Secret]:
    """Secrets as the services take them."""
    return {name: Secret(secret.get_secret_value()) for name, secret in secrets.items()}


def _item(call: Call, authority: Authority) -> dict[str, Any]:
    parent = authority.record.parent_id
    return {**authority.to_json(), "parent": None if parent is None else call.acting.name_of(parent)}


def _detail(call: Call, authority: Authority) -> dict[str, Any]:
    published, der = call.acting.views.publication(authority), authority.record.certificate
    return {
        **_item(call, authority),
        "certificate": None if der is None else describe(authority.certificate),
        "pem": None if der is None else pem_of(der),
        "responder": None if published.responder is None else published.responder.to_json(),
        "crls": [
            {
                "shard": shard,
                "number": dates.number,
                "this_update": dates.this_update.isoformat(),
                "next_update": dates.next_update.isoformat(),
            }
            for shard, dates in published.crls
        ],
    }


def _list(call: Call) -> dict[str, Any]:
    return {"items": [_item(call, found) for found in call.acting.authorities()]}


def _show(call: Call) -> dict[str, Any]:
    return _detail(call, call.acting.authority(call.path["authority"]))


def _make_crls(call: Call) -> dict[str, Any]:
    call.acting.generate_crls(call.path["authority"], given_secrets(call.body.secrets))
    return _detail(call, call.acting.authority(call.path["authority"], Act.OPERATE))


def _make_responder(call: Call) -> dict[str, Any]:
    name, wanted = call.path["authority"], call.body
    call.acting.renew_responder(name, wanted.ocsp_key_backend, given_secrets(wanted.secrets))
    return _detail(call, call.acting.authority(name, Act.OPERATE))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/authorities",
        operation="listAuthorities",
        summary="The authorities that one may see",
        answer=AuthorityList,
        handler=_list,
        links=tuple(
            Link(operation, "authority", "/items/0/name")
            for operation in ("showAuthority", "makeCrls", "makeResponder")
        ),
    ),
    Endpoint(
        method="GET",
        path="/authorities/{authority}",
        operation="showAuthority",
        summary="An authority, its certificate, its CRLs and its OCSP responder",
        acts=(Act.VIEW,),
        answer=AuthorityDetail,
        handler=_show,
        is_one=True,
    ),
    Endpoint(
        method="POST",
        path="/authorities/{authority}/crls",
        operation="makeCrls",
        summary="Make the CRLs of an authority",
        acts=(Act.OPERATE,),
        body=CrlsWanted,
        answer=AuthorityDetail,
        handler=_make_crls,
    ),
    Endpoint(
        method="POST",
        path="/authorities/{authority}/responder",
        operation="makeResponder",
        summary="Make a new OCSP responder for an authority, and choose the OCSP key backend in which its key is",
        acts=(Act.OPERATE,),
        body=ResponderWanted,
        answer=AuthorityDetail,
        handler=_make_responder,
    ),
)
