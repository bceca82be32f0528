"""The seam: all that the author of a key backend or a wrapper needs, and the only place it should be imported from."""

from anchorhold.algorithms import Algorithm, KeySpec
from anchorhold.seam.capabilities import Capabilities
from anchorhold.seam.hookspecs import BackendSpec
from anchorhold.seam.markers import API_VERSION, BACKENDS_GROUP, WRAPPERS_GROUP, hookimpl
from anchorhold.seam.options import flag_of
from anchorhold.seam.refusals import ProcessRefusals, Refusals
from anchorhold.seam.requests import (
    AddOption,
    BackendContext,
    CertificateAuthority,
    CreatedKey,
    CreateKeyRequest,
    Draft,
    FindKeyRequest,
    ImportKeyRequest,
    KeyHandle,
    KeyRequest,
    OcspStore,
    Operation,
    Purpose,
    Role,
    Secrets,
    Signer,
    SignRequest,
    WrapperContext,
    Wrapping,
)
from anchorhold.secret import Secret, SecretReference
from anchorhold.secret_sources import SecretSource
from anchorhold.x509.spans import SpanIn

__all__ = [
    "API_VERSION",
    "BACKENDS_GROUP",
    "WRAPPERS_GROUP",
    "AddOption",
    "Algorithm",
    "BackendContext",
    "BackendSpec",
    "Capabilities",
    "CertificateAuthority",
    "CreateKeyRequest",
    "CreatedKey",
    "Draft",
    "FindKeyRequest",
    "ImportKeyRequest",
    "KeyHandle",
    "KeyRequest",
    "KeySpec",
    "OcspStore",
    "Operation",
    "ProcessRefusals",
    "Purpose",
    "Refusals",
    "Role",
    "Secret",
    "SecretReference",
    "SecretSource",
    "Secrets",
    "SignRequest",
    "Signer",
    "SpanIn",
    "WrapperContext",
    "Wrapping",
    "flag_of",
    "hookimpl",
]
