"""X.509 (RFC 5280): names, requests, profiles, and the drafts of certificates. No key is touched here."""
