"""django-ca's responder under gunicorn, beside which ours is measured."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cryptography import x509

from bench.command import Command, run
from bench.folders import fresh_folder
from bench.ocsp.house import requests_for
from bench.ocsp.sides import Server, free_port
from bench.peers import django_ca
from bench.peers.django_ca import DjangoProject
from bench.peers.django_project import FILES

if TYPE_CHECKING:
    from pathlib import Path

GUNICORN = "gunicorn==23.0.0"
EXTRA_SETTINGS = '\nALLOWED_HOSTS = ["*"]\nCA_DEFAULT_HOSTNAME = "127.0.0.1"\n'


def django_side(cache: Path, csr: Path, folder: Path, workers: int) -> tuple[Server, Path]:
    """The responder, and a request for a certificate of its authority.

    Args:
        cache: With the virtual environment that the other benchmarks have made.
        csr: A request to sign.
        folder: For its project.
        workers: Of gunicorn.
    """
    django = DjangoProject(environment=django_ca.project(cache).environment, folder=fresh_folder(folder / "django"))
    for name, text in FILES.items():
        (django.folder / name).write_text(text + (EXTRA_SETTINGS if name == "settings.py" else ""))
    run(django.manage("migrate", "--verbosity", "0"))
    key = ("--key-type", "EC", "--elliptic-curve", "secp256r1", "--algorithm", "SHA-256")
    run(django.manage("init_ca", *key, "Bench", "CN=Bench"))
    leaf = run(django.manage("sign_cert", "--ca", "Bench", "--csr", str(csr), "--alt", "DNS:www.example.com")).stdout
    issuer = run(django.manage("view_ca", "--output-format", "pem", "Bench")).stdout
    certificates = [
        x509.load_pem_x509_certificate(text[text.index("-----BEGIN") :].encode()) for text in (leaf, issuer)
    ]
    plain, _ = requests_for(certificates[0], certificates[1], django.folder)
    port = free_port()
    server = ("--workers", str(workers), "--bind", f"127.0.0.1:{port}", "django.core.wsgi:get_wsgi_application()")
    command = django.python("-m", "gunicorn.app.wsgiapp", *server, PYTHONPATH=str(_gunicorn(cache)), JOURNAL="wal")
    path = f"ca/ocsp/{certificates[1].serial_number:X}/cert/"
    return Server(f"django-ca under gunicorn, {workers} workers", f"http://127.0.0.1:{port}/{path}", command), plain


def _gunicorn(cache: Path) -> Path:
    """Where gunicorn is installed; beside django-ca's own environment, which others measure with."""
    folder = cache / GUNICORN.replace("==", "-")
    if not (folder / "gunicorn").exists():
        import os

        argv = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), GUNICORN)
        run(Command(argv, dict(os.environ), cache))
    return folder
