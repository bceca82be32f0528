"""The desk's tables, as peewee models built for one database (``Model.bind`` would be global)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    Database,
    IntegerField,
    Model,
    TextField,
)

PREFIX = "anchorhold_desk_"
"""Of every table, so that accounts can share a database with the ledger."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The models. Moments are whole seconds since 1970 UTC, what is secret is only there as its digest.

    Attributes:
        account: Who may log in. ``password`` is an argon2id hash, ``totp`` is encrypted; ``totp_step`` is the last
            step of a code that was used, for none is good twice.
        grant: Roles.
        link: Links that are good once.
        session: Of browsers.
        token: Of programs.
        approval: Who has approved which request of the ledger.
        answer: What was answered to requests with an idempotency key.
        event: What happened to accounts: log-ins and refusals.
    """

    account: Any
    grant: Any
    link: Any
    session: Any
    token: Any
    approval: Any
    answer: Any
    event: Any


def tables_of(database: Database) -> Tables:
    """Build the models for a database."""

    class Account(Model):
        id = AutoField()
        name = TextField(unique=True)
        mail = TextField()
        password = TextField(null=True)
        totp = TextField(null=True)
        totp_step = BigIntegerField(default=0)
        active = BooleanField(default=True)
        failures = IntegerField(default=0)
        locked_until = BigIntegerField(default=0)
        created_at = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}account"

    class Grant(Model):
        account = IntegerField()
        role = TextField()
        authority = TextField()

        class Meta:
            table_name = f"{PREFIX}grant"
            primary_key = CompositeKey("account", "role", "authority")

    class Link(Model):
        digest = TextField(primary_key=True)
        account = IntegerField()
        ends_at = BigIntegerField()
        removes_factor = BooleanField()

        class Meta:
            table_name = f"{PREFIX}link"

    class Session(Model):
        digest = TextField(primary_key=True)
        account = IntegerField()
        began_at = BigIntegerField()
        seen_at = BigIntegerField()
        verified = BooleanField()

        class Meta:
            table_name = f"{PREFIX}session"

    class Token(Model):
        id = TextField(primary_key=True)
        digest = TextField()
        account = IntegerField()
        name = TextField()
        acts = TextField()
        ends_at = BigIntegerField()
        created_at = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}token"

    class Approval(Model):
        request = IntegerField()
        account = IntegerField()
        at = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}approval"
            primary_key = CompositeKey("request", "account")

    class Answer(Model):
        account = IntegerField()
        key = TextField()
        digest = TextField()
        status = IntegerField()
        body = TextField()
        at = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}answer"
            primary_key = CompositeKey("account", "key")

    class Event(Model):
        id = AutoField()
        at = BigIntegerField()
        kind = TextField()
        account = TextField()
        origin = TextField()
        detail = TextField()

        class Meta:
            table_name = f"{PREFIX}event"

    models = (Account, Grant, Link, Session, Token, Approval, Answer, Event)
    database.bind(models, bind_refs=False, bind_backrefs=False)
    return Tables(*models)
