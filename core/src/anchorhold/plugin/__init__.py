"""The plugin API: all that authors of key backends and wrappers need, and the only place to import it from."""

from anchorhold.algorithms import Algorithm, KeySpec
from anchorhold.plugin.backend_options import flag_of
from anchorhold.plugin.capabilities import Capabilities
from anchorhold.plugin.facts import CrlFacts, CsrFacts, OcspFacts, SigningFacts
from anchorhold.plugin.hook_markers import API_VERSION, BACKENDS_GROUP, WRAPPERS_GROUP, hookimpl
from anchorhold.plugin.hookspecs import BackendSpec
from anchorhold.plugin.inventory import KeyDescription, KeyOrigin, ListedKey
from anchorhold.plugin.notices import RecordedEvent
from anchorhold.plugin.pkcs8_backend import KeyEntry, Pkcs8Backend
from anchorhold.plugin.refused_secrets import ProcessRefusedSecrets, RefusedSecrets
from anchorhold.plugin.remote_service import Failure, RemoteService
from anchorhold.plugin.remote_signer import RemoteSigner
from anchorhold.plugin.requests import (
    PROBE_PREFIX,
    AddOption,
    BackendContext,
    CertificateAuthority,
    CreatedKey,
    CreateKeyRequest,
    FindKeyRequest,
    ImportKeyRequest,
    KeyHandle,
    KeyRequest,
    OcspStore,
    Operation,
    OptionValue,
    Purpose,
    RequestSigner,
    Role,
    Secrets,
    Signer,
    SignRequest,
    WrapperContext,
    Wrapping,
)
from anchorhold.secret import Secret, SecretReference, is_secret_reference, tells_secret
from anchorhold.secret_sources import SecretSource
from anchorhold.x509.draft import Draft
from anchorhold.x509.durations import DurationIn

__all__ = [
    "API_VERSION",
    "BACKENDS_GROUP",
    "PROBE_PREFIX",
    "WRAPPERS_GROUP",
    "AddOption",
    "Algorithm",
    "BackendContext",
    "BackendSpec",
    "Capabilities",
    "CertificateAuthority",
    "CreateKeyRequest",
    "CreatedKey",
    "CrlFacts",
    "CsrFacts",
    "Draft",
    "DurationIn",
    "Failure",
    "FindKeyRequest",
    "ImportKeyRequest",
    "KeyDescription",
    "KeyEntry",
    "KeyHandle",
    "KeyOrigin",
    "KeyRequest",
    "KeySpec",
    "ListedKey",
    "OcspFacts",
    "OcspStore",
    "Operation",
    "OptionValue",
    "Pkcs8Backend",
    "ProcessRefusedSecrets",
    "Purpose",
    "RecordedEvent",
    "RefusedSecrets",
    "RemoteService",
    "RemoteSigner",
    "RequestSigner",
    "Role",
    "Secret",
    "SecretReference",
    "SecretSource",
    "Secrets",
    "SignRequest",
    "Signer",
    "SigningFacts",
    "WrapperContext",
    "Wrapping",
    "flag_of",
    "hookimpl",
    "is_secret_reference",
    "tells_secret",
]
