"""Which widely used programs refuse what an authority makes: a table of measurements, and reading what is there.

`rows` and the modules it joins are the table; `features` reads what of it concerns a certificate, an authority or a
key file; `verdict` puts both together. Nothing here is imported for what all programs accept
(`anchorhold.x509.unusual`).
"""
