"""What strangers ask for fills no terminal."""

from __future__ import annotations

from anchorhold.parser_errors import abbreviated, cause_of


def test_a_long_line_keeps_its_beginning_and_its_end() -> None:
    line = f"CSR: {'DNS:a.example, ' * 30_000}; see --copy."
    short = abbreviated(line)
    assert len(short) < 4_100
    assert short.startswith("CSR: DNS:a.example, ")
    assert short.endswith("; see --copy.")
    assert "letters left out" in short
    assert abbreviated("short") == "short"


def test_a_cause_sends_nobody_to_the_pages_of_a_library() -> None:
    error = ValueError("Unable to load PEM file. See https://cryptography.io/en/latest/faq/#why for more details. Odd")
    assert cause_of(error) == "Unable to load PEM file. Odd"
