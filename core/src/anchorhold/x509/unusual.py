"""What certificates have in their octets that some program may refuse, found without reading them.

So that issuing what everybody accepts does not pay for `anchorhold.advice`.
"""

from __future__ import annotations

import re
from typing import Final

_OIDS: Final = (
    *("06032b6570", "06032b6571"),  # Ed25519, Ed448
    *(f"060960864801650304{arc:02x}{last:02x}" for arc, last in ((3, 9), (3, 10), (3, 11), (3, 12))),  # ECDSA, SHA-3
    *(f"06096086480165030403{last:02x}" for last in range(13, 20)),  # RSA with SHA-3, ML-DSA
    *(f"06096086480165030402{last:02x}" for last in range(7, 11)),  # SHA-3, in the parameters of RSASSA-PSS
    *("06092b2403030208", "06052b8104000a"),  # brainpool curves, secp256k1
    *("0603551d1e", "06082b06010505070118"),  # name constraints, TLS features
)
UNUSUAL: Final = re.compile(b"|".join(re.escape(bytes.fromhex(oid)) for oid in _OIDS) + b"|99991231235959Z")
"""Found in each certificate that some program may refuse; by chance, in a plain one too."""
