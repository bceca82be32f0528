"""Requests that a worker has begun, and signatures that it has intended."""

from typing import Any


def up(migrator: Any, database: Any) -> None:
    """Create the tables."""
    database.execute_sql(
        "CREATE TABLE anchorhold_celery_request (id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, "
        "reply TEXT, moment BIGINT NOT NULL)"
    )
    database.execute_sql("CREATE INDEX anchorhold_celery_request_moment ON anchorhold_celery_request (moment)")
    database.execute_sql(
        "CREATE TABLE anchorhold_celery_intent (subject TEXT NOT NULL PRIMARY KEY, request TEXT NOT NULL, "
        "moment BIGINT NOT NULL)"
    )
