"""Prefect's server as an application for uvicorn, with one thing changed: where it may write, SQLite is asked for the
write lock at once.

Prefect 3.8.8 begins such transactions as if they only read. When another one writes before they do, SQLite refuses them
on the spot ("database is locked"), the server answers 503, and the client tries again two seconds later: measured on
every second flow that another one calls. Asked for at the beginning, the lock is waited for instead, some milliseconds.
PostgreSQL is not concerned.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from prefect.server.api.server import create_app as create_prefect_app
from prefect.server.database.configurations import AioSqliteConfiguration

begin_as_reader = AioSqliteConfiguration.begin_transaction


def begin_as_writer(
    configuration: AioSqliteConfiguration,
    session: Any,
    with_for_update: bool = False,  # noqa: ARG001, FBT001, FBT002  # the signature is Prefect's
) -> AbstractAsyncContextManager[Any]:
    """A transaction that holds SQLite's write lock from its beginning."""
    return begin_as_reader(configuration, session, with_for_update=True)


def create_app() -> FastAPI:
    """The application."""
    AioSqliteConfiguration.begin_transaction = begin_as_writer  # type: ignore[method-assign,assignment]
    return create_prefect_app()
