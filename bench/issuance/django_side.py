"""``python -m bench.issuance.django_side KIND [BACKEND]``: the same by django-ca's Python API, in its own environment.

django-ca has no call for many certificates at once.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from cryptography import x509

from bench.issuance.kinds import HOST
from bench.issuance.request import request
from bench.worker import serve

KEYS = {
    "EC P-256": ("--key-type", "EC", "--elliptic-curve", "secp256r1", "--algorithm", "SHA-256"),
    "RSA-2048": ("--key-type", "RSA", "--key-size", "2048", "--algorithm", "SHA-256"),
    "RSA-4096": ("--key-type", "RSA", "--key-size", "4096", "--algorithm", "SHA-256"),
    "Ed25519": ("--key-type", "Ed25519"),
}


BACKENDS: dict[str, tuple[tuple[str, ...], str, dict[str, None]]] = {
    "storages": ((), "storages.models.StoragesUsePrivateKeyOptions", {"password": None}),
    "hsm": (
        ("--key-backend", "hsm", "--hsm-key-label", os.environ["JOURNAL"]),  # two sides share a token
        "hsm.models.HSMUsePrivateKeyOptions",
        {},
    ),
}
"""Of a key backend: arguments for a new key, and the model of options for using it, with their values."""


def main(kind: str, backend: str = "storages") -> None:
    """Make an authority, and issue when asked to."""
    arguments, model, values = BACKENDS[backend]
    authority_name = f"{kind} {backend}"
    # Found by name while it runs: django-ca is in the scratch environment only, where no type checker looks.
    django: Any = import_module("django")
    django.setup()
    import_module("django.core.management").call_command(
        "init_ca", *KEYS[kind], *arguments, "--output-format", "none", authority_name, f"CN={kind}"
    )
    models: Any = import_module("django_ca.models")
    module, _, options_class = model.rpartition(".")
    authority = models.CertificateAuthority.objects.get(name=authority_name)
    options = getattr(import_module(f"django_ca.key_backends.{module}"), options_class).model_validate(
        values, context={"ca": authority, "backend": authority.key_backend}
    )
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    name = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    extension = x509.Extension(oid=x509.SubjectAlternativeName.oid, critical=False, value=name)
    csr = request()

    def single(count: int) -> None:
        for _ in range(count):
            models.Certificate.objects.create_cert(
                authority, options, x509.load_pem_x509_csr(csr), subject=subject, extensions=[extension]
            )

    serve({"single": single})


if __name__ == "__main__":
    main(*sys.argv[1:])
