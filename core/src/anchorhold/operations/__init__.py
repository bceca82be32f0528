"""Issuing: the order in which a certificate authority does things, so that nothing is lost and nothing escapes."""
