"""anchorhold over HTTP: OCSP answers, certificate revocation lists and certificates of issuers."""
