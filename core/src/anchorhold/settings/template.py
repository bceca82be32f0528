"""The commented settings file that ``config init`` writes."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import tomli_w

if TYPE_CHECKING:
    from anchorhold.settings.load import LoadedSettings

_HEAD = """\
# Settings of anchorhold. Everything here is as it would be without this file; change what you need, drop the rest.
# Looked for in this order: --config, ANCHORHOLD_CONFIG, the user's and the system's configuration folder.
# A secret is written as a value, { env = "VARIABLE" }, { file = "PATH" } or "prompt".
"""

_COMMENTS = {
    "ca_dir": "The folder of the ledger and of key files. ANCHORHOLD_CA_DIR overrides it.",
    "database": "The ledger, a URL or a reference; by default a file in ca_dir. ANCHORHOLD_DATABASE overrides it.",
    "default_profile": "Used by sign-cert unless --profile names another.",
    "storages": 'Places for files: "local", or an fsspec URL such as "s3://bucket/folder". By default ca_dir.',
    "key_backends": "Where keys of authorities live, by alias. Options of the alias `default` have no prefix.",
    "ocsp_key_backends": "Where keys of OCSP responders live; they are used with nobody present.",
}

_DERIVED = ("ca_dir", "database", "storages")
"""Written as comments: they follow from the account, or from ca_dir, and must go on doing so."""


def template(loaded: LoadedSettings) -> str:
    """The file's content: the given settings, each section with a comment."""
    settings = loaded.settings
    values: dict[str, Any] = {
        "ca_dir": str(settings.ca_dir),
        "database": loaded.database_url({}),
        "default_profile": settings.default_profile,
        "storages": _tables(settings.storages),
        "key_backends": _tables(settings.key_backends),
        "ocsp_key_backends": _tables(settings.ocsp_key_backends),
    }
    return "\n".join([_HEAD, *(_section(key, value) for key, value in values.items())])


def _section(key: str, value: Any) -> str:
    text = tomli_w.dumps({key: value})
    if key in _DERIVED:
        text = textwrap.indent(text, "# ", lambda line: bool(line.strip()))
    return f"# {_COMMENTS[key]}\n{text}"


def _tables(section: dict[str, Any]) -> dict[str, Any]:
    return {alias: entry.model_dump(mode="json") for alias, entry in section.items()}
