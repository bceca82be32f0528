"""The commented settings file that ``config init`` writes."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import tomli_w

from anchorhold.settings.implied import first_installed
from anchorhold.settings.masking import mask_password

if TYPE_CHECKING:
    from collections.abc import Collection

    from anchorhold.settings.load import LoadedSettings

_HEAD = """\
# Settings of anchorhold. All values here are the defaults; change what you need, delete the rest.
# Looked for in this order: --config, ANCHORHOLD_CONFIG, the user's and the system's configuration folder.
# A secret is written as a value, { env = "VARIABLE" }, { file = "PATH" } or "prompt".
"""

_COMMENTS = {
    "ca_dir": "The folder of the ledger and of key files. ANCHORHOLD_CA_DIR overrides it.",
    "database": "The ledger, a URL or a reference; by default a file in ca_dir. ANCHORHOLD_DATABASE overrides it.",
    "default_profile": "Used by sign-cert unless --profile names another.",
    "storages": 'Storages for files: "local", or an fsspec URL such as "s3://bucket/folder". By default ca_dir.',
    "key_backends": "Where keys of authorities live, by alias. Options of the alias `default` have no prefix.",
    "ocsp_key_backends": "Where keys of OCSP responders live; they are used unattended.",
}

_DERIVED = ("ca_dir", "database", "storages")
"""Written as comments: they follow from the account, or from ca_dir, and must go on doing so."""


_NO_BACKEND = "No installed key backend works without settings; this example is for a token (see its guide)."
_IN_A_TOKEN = {"default": {"backend": "hsm", "options": {"library_path": "/path/of/module.so", "token": "LABEL"}}}


def sample_settings(loaded: LoadedSettings, installed: Collection[str]) -> str:
    """The file's content: the given settings, each section with a comment. `config check` finds nothing wrong with it.

    Args:
        loaded: The settings without any file.
        installed: Names of backend types; where `storages` is not among them, another one is written.
    """
    settings = loaded.settings
    backend = first_installed(installed)
    aliases = {"default": {"backend": backend, "options": {}}} if backend else _IN_A_TOKEN
    values: dict[str, Any] = {
        "ca_dir": str(settings.ca_dir),
        "database": mask_password(loaded.database_url({})),
        "default_profile": settings.default_profile,
        "storages": _tables(settings.storages),
        "key_backends": aliases,
        "ocsp_key_backends": aliases,
    }
    head = [_HEAD, *([f"# {_NO_BACKEND}\n"] if backend is None else [])]
    commented = (*_DERIVED, *(("key_backends", "ocsp_key_backends") if backend is None else ()))
    return "\n".join([*head, *(_section(key, value, key in commented) for key, value in values.items())])


def _section(key: str, value: Any, commented: bool) -> str:
    text = tomli_w.dumps({key: value})
    if commented:
        text = textwrap.indent(text, "# ", lambda line: bool(line.strip()))
    return f"# {_COMMENTS[key]}\n{text}"


def _tables(section: dict[str, Any]) -> dict[str, Any]:
    return {alias: entry.model_dump(mode="json") for alias, entry in section.items()}
