"""X.509 (RFC 5280): names, requests, and the drafts of certificates. No key is touched here."""

import warnings

for _remark in ("Attribute's length must be", "Parsed a serial number which wasn't positive"):
    # Remarks of cryptography about what others have made, which is what we are here to read.
    warnings.filterwarnings("ignore", message=_remark, category=UserWarning)
