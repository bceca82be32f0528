"""The types of rows are those of the columns: text, octets or number, and whether it may be NULL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import peewee
import pytest

from anchorhold.ledger import rows
from anchorhold.ledger.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.databases(because="no row is read")

TABLES = {
    "authority": rows.AuthorityRow,
    "certificate": rows.CertificateRow,
    "revocation": rows.RevocationRow,
    "crl": rows.CrlRow,
    "responder": rows.ResponderRow,
    "claim": rows.ClaimRow,
    "key_copy": rows.KeyCopyRow,
}
KINDS = {peewee.TextField: str, peewee.BlobField: bytes}


def _kinds(annotation: Any) -> Iterator[Any]:
    """What a value may be, `None` and the kinds of a union apart; a literal is a text."""
    if get_origin(annotation) is Literal:
        yield str
    elif get_args(annotation):
        for part in get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation


def _of_column(field: peewee.Field) -> set[Any]:
    kind = next((kind for column, kind in KINDS.items() if isinstance(field, column)), int)
    return {kind, *({memoryview} if kind is bytes else ()), *({type(None)} if field.null else ())}


@pytest.mark.parametrize("table", TABLES)
def test_a_row_has_the_columns_of_its_table_with_their_types(table: str) -> None:
    model = getattr(schema(peewee.SqliteDatabase(":memory:")), table)
    columns = {
        field.object_id_name if hasattr(field, "rel_model") else field.name: field
        for field in model._meta.sorted_fields
    }
    hints = get_type_hints(TABLES[table])
    assert {name: set(_kinds(hint)) for name, hint in hints.items()} == {
        name: _of_column(columns[name]) for name in hints
    }
