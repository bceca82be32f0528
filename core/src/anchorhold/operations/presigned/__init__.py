"""Pre-signed OCSP responses as files, for web servers that serve files (RFC 5019, section 2.2.1; decision 31).

``folder`` is where they are, ``state`` what is known of them, ``signing`` makes them, ``workers`` do so in several
processes, ``run`` decides which are due, and ``change`` replaces those of one certificate.
"""
