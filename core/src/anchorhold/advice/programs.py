"""The programs that were tried, by short names that stay, and their versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import InputError
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

MEASURED: Final = "2026-11-30"
"""When the last of it was measured; most of it was a day before, as docs/relying-parties.md says."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program, or one line of its versions.

    Attributes:
        name: Its name here.
        title: Its name elsewhere.
        version: Those that were tried; empty where it was not recorded.
        library: The one that it reads certificates with, where that was tried more thoroughly: what that refuses,
            it refuses.
        narrow: Whether it reads so little that what it refuses is told only to those who name it.
        line: The name that stands for all its versions of that line, where several of it were tried apart.
    """

    name: str
    title: str
    version: str
    library: str | None = None
    narrow: bool = False
    line: str | None = None

    @property
    def family(self) -> str:
        """The name that stands for all its versions."""
        return self.name.rstrip(".0123456789")

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"name": self.name, "title": self.title, "version": self.version}


PROGRAMS: Final = {
    program.name: program
    for program in (
        Program("openssl3.0", "OpenSSL", "3.0.22"),
        Program("openssl3.5", "OpenSSL", "3.5.9"),
        Program("openssl3.6", "OpenSSL", "3.6.5"),
        Program("python-ssl", "Python ssl", "OpenSSL 3.0.22", library="openssl3.0"),
        Program("nginx", "nginx", "1.22.1", library="openssl3.0"),
        Program("curl", "curl with OpenSSL", "7.88.1", library="openssl3.0"),
        Program("curl-gnutls", "curl with GnuTLS", "7.88.1", library="gnutls3.7"),
        Program("gnutls3.7", "GnuTLS", "3.7.9"),
        Program("gnutls3.8", "GnuTLS", "3.8.9, 3.8.13"),
        Program("java17.0.15", "OpenJDK", "17.0.15", line="java17"),
        Program("java17.0.21", "OpenJDK", "17.0.21.1", line="java17"),
        Program("java21", "OpenJDK", "21.0.13"),
        Program("java25", "OpenJDK", "25.0.5"),
        Program("keytool", "keytool of OpenJDK", ""),
        Program("nss3.87", "NSS", "3.87.1"),
        Program("nss3.110", "NSS", "3.110"),
        Program("nss3.131", "NSS", "3.131.1"),
        Program("node", "Node.js", "20.20.2"),
        Program("mbedtls2.28", "Mbed TLS", "2.28.3"),
        Program("mbedtls3.6", "Mbed TLS", "3.6.6, 3.6.7"),
        Program("wolfssl5.5", "wolfSSL", "5.5.4"),
        Program("wolfssl5.7", "wolfSSL", "5.7.2"),
        Program("go1.19", "Go", "1.19.8"),
        Program("go1.27", "Go", "1.27.3"),
        Program("cryptography", "cryptography", "50.0.2"),
        Program("pyhanko", "pyhanko-certvalidator", "0.33.0"),
        Program("bouncycastle1.72", "Bouncy Castle", "1.72"),
        Program("bouncycastle1.80", "Bouncy Castle", "1.80"),
        Program("bouncycastle1.86", "Bouncy Castle", "1.86"),
        Program("botan2.19", "Botan", "2.19.3"),
        Program("botan3.7", "Botan", "3.7.1"),
        Program("botan3.13", "Botan", "3.13.0"),
        Program("rustls", "rustls", "by rtls 2026.9.21"),
        Program("pkijs", "PKI.js", "4.0.0"),
        Program("node-forge", "node-forge", "1.4.3", narrow=True),
        Program("puttygen", "PuTTYgen", "0.78"),
        Program("ssh-keygen", "ssh-keygen of OpenSSH", "9.2"),
    )
}
"""In the order in which they are listed."""


def members(name: str) -> tuple[str, ...]:
    """The programs that a name stands for: one, or all versions of a line or a family; none if it is not known."""
    return tuple(each.name for each in PROGRAMS.values() if name in (each.name, each.line, each.family))


def named(names: Iterable[str]) -> frozenset[str]:
    """The programs that are meant by names such as ``java17`` and ``java``.

    Raises:
        InputError: A name is not known.
    """
    found: set[str] = set()
    for name in names:
        meant = members(name.lower())
        if not meant:
            raise InputError(f"program {name!r}: was not measured", hint=suggestion(name.lower(), known_names()))
        found.update(meant)
    return frozenset(found)


def shortened(names: Iterable[str]) -> list[str]:
    """The same programs in fewer words: a family, or a line, where all its versions are among them."""
    given = set(names)
    short = [
        next(each for each in _names_of(program) if given.issuperset(members(each)))
        for program in PROGRAMS.values()
        if program.name in given
    ]
    return list(dict.fromkeys(short))


def known_names() -> list[str]:
    """All names that `named` takes."""
    return list(dict.fromkeys(name for program in PROGRAMS.values() for name in _names_of(program)))


def _names_of(program: Program) -> tuple[str, ...]:
    """The names that it goes by, the widest first."""
    return tuple(filter(None, (program.family, program.line, program.name)))
