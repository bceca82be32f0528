"""Examples in the help of commands."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final = {
    "quickstart": ("anchorhold quickstart www.example.com 192.0.2.1",),
    "init-ca": (
        'anchorhold init-ca Root "CN=Example Root,O=Example"',
        'anchorhold init-ca Web "CN=Example Web CA,O=Example" --parent Root',
        'anchorhold init-ca Web "CN=Example Web CA" --csr-out web.csr',
    ),
    "import-ca": (
        "anchorhold import-ca Old old.key old.pem",
        "anchorhold import-ca Old old.p12",
        "anchorhold import-ca Web --signed web.pem",
    ),
    "edit-ca": (
        "anchorhold edit-ca Web --hostname pki.example.com",
        "anchorhold edit-ca Web --disable",
    ),
    "list-cas": ("anchorhold list-cas", "anchorhold list-cas --output-format json"),
    "view-ca": ("anchorhold view-ca Web", "anchorhold view-ca Web -f pem --bundle --out chain.pem"),
    "move-key": ("anchorhold move-key Web --to hsm --delete-source",),
    "sign-cert": (
        "anchorhold sign-cert --ca Web --csr www.csr --alt www.example.com",
        "anchorhold sign-cert --ca Web --csr www.csr --copy alt --out www.pem",
        "anchorhold sign-cert --ca Web --csr bob.csr --profile client \\\n      --subject CN=Bob --expires 90",
    ),
    "list-certs": (
        "anchorhold list-certs --ca Web --expiring 30d",
        "anchorhold list-certs --revoked --output-format json",
    ),
    "view-cert": ("anchorhold view-cert 3f2a90c1", "anchorhold view-cert 3f2a90c1 -f pem --out www.pem"),
    "import-cert": ("anchorhold import-cert www.pem --ca Old",),
    "profiles": ("anchorhold profiles", "anchorhold profiles webserver"),
    "advise": (
        "anchorhold advise Web",
        "anchorhold advise 3f2a90c1 --for nginx,java17,go",
        "anchorhold advise --cert www.pem",
    ),
    "revoke-cert": (
        "anchorhold revoke-cert 3f2a90c1 --reason keyCompromise",
        "anchorhold revoke-cert 3f2a90c1 --release",
    ),
    "generate-crls": ("anchorhold generate-crls", "anchorhold generate-crls Root --expires 6mo"),
    "dump-crl": ("anchorhold dump-crl Web --output-format der --out web.crl",),
    "regenerate-ocsp-keys": ("anchorhold regenerate-ocsp-keys Web", "anchorhold regenerate-ocsp-keys --force"),
    "generate-ocsp-responses": (
        "anchorhold generate-ocsp-responses --to /var/www/ocsp --nginx ocsp.conf",
        "anchorhold generate-ocsp-responses Web --changed",
    ),
    "maintain": ("anchorhold maintain", "anchorhold maintain --every 10m"),
    "desk": (
        "anchorhold desk init",
        "anchorhold desk --tls-certificate desk.pem --tls-key desk.key --host 0.0.0.0 --port 443",
    ),
    "serve": ("anchorhold serve --host 0.0.0.0 --workers 4",),
    "recover": (
        "anchorhold recover",
        "anchorhold recover --finish Web",
        "anchorhold recover --abandon Web --forget-key",
    ),
    "worker": ("anchorhold worker --processes 4",),
    "workers": ("anchorhold workers", "anchorhold workers --output-format json"),
    "history": (
        "anchorhold history --ca Web --since 7d",
        "anchorhold history --output-format jsonl",
    ),
    "backends": ("anchorhold backends",),
    "new-backend": ("anchorhold new-backend acme-kms",),
    "new-wrapper": ("anchorhold new-wrapper acme-policy",),
    "config show": ("anchorhold config show",),
    "config check": ("anchorhold --config test.toml config check",),
    "config init": ("anchorhold config init", "anchorhold config init -"),
}
"""Command lines by command; none is wider than a terminal of 80 columns."""
