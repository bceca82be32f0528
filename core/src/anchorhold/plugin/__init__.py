"""The plugin API: all that authors of key backends and wrappers need, and the only place to import it from.

To begin, ``anchorhold new-backend NAME`` or ``anchorhold new-wrapper NAME`` writes a package. ``help`` of a name below,
such as ``help(anchorhold.plugin.BackendSpec)``, has the whole text.

What a plugin is::

    BackendSpec         the hooks, each with an example
    hookimpl            marks a method as a hook; hookimpl(wrapper=True) in a wrapper
    API_VERSION         what a class states as anchorhold_api
    BACKENDS_GROUP      entry-point group of key backends
    WRAPPERS_GROUP      entry-point group of wrappers
    BackendContext      what the constructor of a backend is told
    WrapperContext      what the constructor of a wrapper is told
    Wrapping            what a method of a wrapper returns
    Capabilities        the kinds of keys and signatures that a backend offers at most

Bases to start from::

    Pkcs8Backend        keys that are octets: read, write_new and delete are left to write
    KeyEntry            where the octets of one key are
    RemoteService       a service that signs: one client for each process, errors translated
    RemoteSigner        a signer that asks it
    Failure             an error of a service in our words

What hooks are asked and answer::

    CreateKeyRequest, FindKeyRequest, ImportKeyRequest, KeyRequest, SignRequest
    CreatedKey          a key that exists: its handle and its public half
    KeyHandle           how a key is found again
    Signer              a key that is lent
    RequestSigner       a signer that wants the whole request
    PROBE_PREFIX        what the message of a probe begins with
    SigningFacts        what is signed beside certificates: CrlFacts, CsrFacts, OcspFacts
    WantedSignature     what is asked of a process that has the key
    RecordedEvent       what the ledger has recorded
    ListedKey           a key that a store lists
    KeyDescription      where a key was made (KeyOrigin), and whether it can leave
    OcspStore           how keys of OCSP responders are kept
    CertificateAuthority  whose key it is
    Role                ca or ocsp
    Purpose             what a signature is for
    Draft               a certificate before it is signed
    KeySpec, Algorithm  a kind of key, and how it signs
    DurationIn          a span of time in options
    anchored            paths in a section of its own start at the folder of the settings

Options and secrets::

    AddOption           adds an option to commands
    Operation           what a command does with keys
    OptionValue         the value of an option that is not secret
    flag_of             the flag that an option gets
    Secrets             hands out secrets by name
    Secret              a password, PIN or private key in memory
    SecretReference     where a secret in the settings comes from
    SecretSource        where a secret came from
    is_secret_reference, tells_secret
    RefusedSecrets      remembers wrong PINs, which tokens count
    ProcessRefusedSecrets  the same for this process alone
"""

from anchorhold.algorithms import Algorithm, KeySpec
from anchorhold.plugin.backend_options import flag_of
from anchorhold.plugin.capabilities import Capabilities
from anchorhold.plugin.facts import CrlFacts, CsrFacts, OcspFacts, SigningFacts
from anchorhold.plugin.hook_markers import API_VERSION, BACKENDS_GROUP, WRAPPERS_GROUP, hookimpl
from anchorhold.plugin.hookspecs import BackendSpec
from anchorhold.plugin.inventory import KeyDescription, KeyOrigin, ListedKey
from anchorhold.plugin.notices import RecordedEvent
from anchorhold.plugin.path_options import anchored
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
from anchorhold.plugin.wanted_signature import WantedSignature
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
    "WantedSignature",
    "WrapperContext",
    "Wrapping",
    "anchored",
    "flag_of",
    "hookimpl",
    "is_secret_reference",
    "tells_secret",
]


def __dir__() -> list[str]:
    """Without the classes, so that ``help`` of this module is a page and not all of their pages together."""
    return [name for name, value in globals().items() if not isinstance(value, type)]
