"""The desk: a web page and a REST API for the people around a certificate authority."""
