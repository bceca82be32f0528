"""What a token offers: found out by trying, told when it refuses something."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pkcs11 import Mechanism, MechanismFlag
from pkcs11.exceptions import AttributeTypeInvalid, AttributeValueInvalid, PKCS11Error, TemplateInconsistent

from anchorhold.algorithms import CURVES, KEY_TYPES, RSA_SIZES, KeySpec
from anchorhold.errors import AnchorholdError, BackendFailedError, KeyUnsupportedError
from anchorhold_hsm.handles import KeyReference
from anchorhold_hsm.objects import destroy
from anchorhold_hsm.return_codes import name_of
from anchorhold_hsm.templates import PRIVATE_TEMPLATES, PUBLIC_TEMPLATE, generation_of

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold_hsm.objects import Object
    from anchorhold_hsm.session import TokenSession

_OTHER_TEMPLATE: Final = (AttributeTypeInvalid, AttributeValueInvalid, TemplateInconsistent)
"""Answers after which another template may do."""

NOT_OFFERED: Final = frozenset(
    {
        "ActionProhibited",
        "ArgumentsBad",
        "AttributeTypeInvalid",
        "AttributeValueInvalid",
        "CurveNotSupported",
        "DataInvalid",
        "DataLenRange",
        "DomainParamsInvalid",
        "FunctionNotSupported",
        "FunctionRejected",
        "KeyFunctionNotPermitted",
        "KeySizeRange",
        "KeyTypeInconsistent",
        "MechanismInvalid",
        "MechanismParamInvalid",
        "TemplateIncomplete",
        "TemplateInconsistent",
    }
)
"""Answers of a token that is well, to something it does not have."""

_PERHAPS_NOT_OFFERED: Final = NOT_OFFERED | {"GeneralError", "FunctionFailed", "DeviceError", "HostMemory"}
"""The others some tokens give too, for curves they do not know."""

_EDWARDS: Final = {"Ed25519": None, "Ed448": (False, None)}
"""Kinds of Edwards keys, each with the parameter of its mechanism that most tokens take."""
_SIGNING: Final = {
    "ecdsa": ("ECDSA",),
    "rsa-pkcs1v15": ("RSA_PKCS", "RSA_X_509"),
    "rsa-pss": ("PSS", "RSA_X_509"),
    "ed25519": ("EDDSA",),
    "ed448": ("EDDSA",),
}
"""Parts of the names of mechanisms that have to do with a signature scheme."""


def generate_pair(
    token_session: TokenSession, spec: KeySpec, reference: KeyReference, *, store: bool
) -> tuple[Object, Object]:
    """Make a key pair, with the first template the token takes.

    Args:
        token_session: A session.
        spec: The kind of key.
        reference: Id and label it gets.
        store: Whether it outlives the session.

    Returns:
        Public and private object.

    Raises:
        PKCS11Error: The token does not make it.
    """
    key_type, size, wanted = generation_of(spec)
    *first, last = PRIVATE_TEMPLATES

    def attempt(template: dict[object, object]) -> tuple[Object, Object]:
        pair: tuple[Object, Object] = token_session.session.generate_keypair(
            key_type,
            size,
            id=reference.id,
            label=reference.label,
            store=store,
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
            public_template={**PUBLIC_TEMPLATE, **wanted},
            private_template=template,
        )
        return pair

    for template in first:
        with suppress(*_OTHER_TEMPLATE):
            return attempt(template)
    return attempt(last)


def refused_key(
    token_session: TokenSession, spec: KeySpec, error: PKCS11Error, subject: str, *, imported: bool = False
) -> AnchorholdError | None:
    """What to raise when the token did not make or take a key: with what it makes. None if that is not the reason."""
    name = name_of(error)
    if token_session.token.is_security_officer:
        return BackendFailedError(
            f"{subject}: the token does not let its security officer create private keys ({name})",
            hint="give the user PIN, and clear the PIN of the security officer",
        )
    if name not in _PERHAPS_NOT_OFFERED:
        return None
    tried = supported_kinds(token_session)
    if name not in NOT_OFFERED and not tried:
        return None
    sizes = _rsa_sizes(token_session)
    offered = [f"RSA {sizes.start} to {sizes.stop - 1}"] * bool(sizes) + (tried or _listed(token_session))
    if imported and name in NOT_OFFERED:
        return KeyUnsupportedError(
            f"{subject}: the token does not take an {spec} key from elsewhere ({name})",
            hint=f"create a new key in it; it makes: {', '.join(offered) or 'none'}",
        )
    if str(spec) in offered or (spec.size in sizes and name not in NOT_OFFERED):
        return None
    return KeyUnsupportedError(
        f"{subject}: the token does not make {spec} keys ({name})", hint=f"it offers: {', '.join(offered) or 'none'}"
    )


def refused_signature(
    token_session: TokenSession, algorithm: Algorithm, refusals: list[str], subject: str
) -> AnchorholdError:
    """What to raise when no way to make a signature worked: with the mechanisms the token lists."""
    parts = _SIGNING.get(algorithm.scheme, ("ML_DSA",))
    names = [mechanism.name for mechanism in token_session.token.mechanisms() if isinstance(mechanism, Mechanism)]
    listed = sorted(name for name in names if any(part in name for part in parts))
    return KeyUnsupportedError(
        f"{subject}: the token does not sign with {algorithm} ({', '.join(refusals)})",
        hint=f"choose another algorithm; mechanisms it lists for such keys: {', '.join(listed) or 'none'}",
    )


def supported_kinds(token_session: TokenSession) -> list[str]:
    """Kinds of keys the token makes, except RSA, which takes long: tried with keys that end with the session.

    An Edwards key has to sign, too: NSS makes some, and takes no signature from them through python-pkcs11.
    """
    specs = [KeySpec(type="EC", curve=curve) for curve in CURVES]
    specs += [KeySpec(type=name) for name in KEY_TYPES if name not in ("EC", "RSA")]
    offered = []
    for spec in specs:
        with suppress(PKCS11Error):  # the answer is no
            pair = generate_pair(token_session, spec, KeyReference(os.urandom(20), "anchorhold probe"), store=False)
            try:
                if spec.type in _EDWARDS:
                    pair[1].sign(b"probe", mechanism=Mechanism.EDDSA, mechanism_param=_EDWARDS[spec.type])
                offered.append(str(spec))
            finally:
                destroy(pair)
    return offered


def _listed(token_session: TokenSession) -> list[str]:
    """What a token lists that makes no keys that end with a session (tpm2-pkcs11), so that nothing can be tried."""
    makes_curves = Mechanism.EC_KEY_PAIR_GEN in token_session.token.mechanisms()
    return ["EC, of curves that it does not name"] if makes_curves else []


def _rsa_sizes(token_session: TokenSession) -> range:
    """What the token says about RSA, as far as such keys are made here."""
    try:
        info = token_session.token.slot.get_mechanism_info(Mechanism.RSA_PKCS_KEY_PAIR_GEN)
    except PKCS11Error:
        return range(0)
    smallest, largest = max(info.min_key_length or 0, RSA_SIZES[0]), min(info.max_key_length or 0, RSA_SIZES[1])
    return range(smallest, largest + 1)
