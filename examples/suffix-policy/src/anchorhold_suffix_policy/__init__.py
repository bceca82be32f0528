"""Wrapper ``suffix-policy``: no certificate for a host name outside the suffixes that the settings allow."""

from cryptography.x509 import NameOID
from pydantic import BaseModel, Field

from anchorhold.errors import RefusedError
from anchorhold.plugin import Draft, SignRequest, WrapperContext, Wrapping, hookimpl


class SuffixPolicy:
    """Looks at the host names of every certificate before it is signed."""

    anchorhold_api = 1

    class Options(BaseModel, extra="forbid"):
        """``wrappers.suffix-policy.options`` in the settings."""

        suffixes: list[str] = Field(min_length=1)

    def __init__(self, options: Options, context: WrapperContext) -> None:
        self.suffixes = tuple("." + suffix.lower().strip(".") for suffix in options.suffixes)

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest) -> Wrapping[bytes]:
        """Refuse a name that is outside, else let the signer sign."""
        for name in _host_names(request.draft) if request.draft else ():
            if not f".{name.lower()}".endswith(self.suffixes):
                raise RefusedError(f"suffix-policy: {name} is outside {', '.join(self.suffixes)}", hint="leave it out")
        return (yield)


def _host_names(draft: Draft) -> list[str]:
    """DNS names, and common names of holders other than authorities that look like one."""
    common = [] if draft.is_ca else [str(cn.value) for cn in draft.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    hosts = [cn for cn in common if "." in cn and not {*" @"} & {*cn} and not cn.split(".")[-1].isdigit()]
    return [*draft.dns_names, *hosts]
