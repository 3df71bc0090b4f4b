"""
Fills databases with the benchmark's world, in bulk and past the use cases, and keeps them.

What is filled stays in ``var/bench/seeds``: a file of SQLite, a dump of PostgreSQL, and the key
of the client that asks. A million delegations take minutes once, and seconds from then on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, update

from authz_service.bootstrap import Service, build
from authz_service.domain.decision import Caller
from authz_service.domain.delegation import EventKind
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessState, suggest_id
from authz_service.settings import SHIPPED_POLICIES, Settings
from authz_service.store.database import Database
from authz_service.store.schema import (
    delegation_events,
    delegations,
    people,
    process_versions,
    processes,
    standings,
    surrogates,
)
from authz_service.store.versions import NEEDED
from tests.bench.plane import world
from tests.bench.rounds import progress
from tests.postgres import Postgres, connect

CACHE = Path(__file__).parents[3] / "var" / "bench"
"""What the benchmark fetches and fills, outside of version control."""
CALLER = Caller("bench")
SCOPES = ("decide", "metrics")
_FORM = 1
"""Of the world; another number fills anew."""
_AT_ONCE = 5_000
_TITLE = "Processo do ensaio"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seed:
    """
    A database that is filled.

    Attributes:
        url: where it is.
        companies: how many it has.
        key: of the client that may ask.
    """

    url: str
    companies: int
    key: str

    @property
    def delegations(self) -> int:
        """How many it has."""
        return self.companies * world.PER_COMPANY


def settings(url: str, folder: Path) -> Settings:
    """Give the settings of a service on a database, with the shipped policies and no limit."""
    return Settings.from_env(
        {
            "AUTHZ_DATA_DIR": str(folder),
            "AUTHZ_DATABASE_URL": url,
            "AUTHZ_POLICIES": str(SHIPPED_POLICIES),
            "AUTHZ_REQUESTS_PER_MINUTE": "0",
        }
    )


def sqlite(companies: int) -> Seed:
    """Give the file with so many companies, filled before or now."""
    folder = _folder(companies)
    file, key = folder / "authz.db", folder / "key"
    url = f"sqlite:///{file}"
    if not key.exists():
        for stale in folder.glob("authz.db*"):
            stale.unlink()
        key.write_text(fill(url, companies, folder))
    seed = Seed(url, companies, key.read_text())
    _make_fresh(seed, folder)
    return seed


def postgres(server: Postgres, companies: int) -> Seed:
    """Give a new database of the server with so many companies, out of a dump or filled now."""
    folder = _folder(companies)
    dump, key = folder / "dump", folder / "dump-key"
    url = server.new()
    if key.exists():
        progress(f"restoring {companies * world.PER_COMPANY:,} delegations")
        server.program("pg_restore", "--no-owner", "--dbname", url, dump)
    else:
        made = fill(url, companies, folder)
        server.program("pg_dump", "--format=custom", "--compress=1", "--file", dump, url)
        key.write_text(made)
    with connect(url) as connection:
        # Nothing analyses the tables of the tests' server by itself.
        connection.execute("ANALYZE")
    seed = Seed(url, companies, key.read_text())
    _make_fresh(seed, folder)
    return seed


def _folder(companies: int) -> Path:
    folder = CACHE / "seeds" / f"{companies}-{NEEDED}-{_FORM}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _make_fresh(seed: Seed, folder: Path) -> None:
    """Let what GOV.BR told be of today: what was seen a week ago opens nothing."""
    service = build(settings(seed.url, folder))
    try:
        with service.store.database.write() as connection:
            connection.execute(update(standings).values(observed_at=_now()))
    finally:
        service.close()


def fill(url: str, companies: int, folder: Path) -> str:
    """Fill an empty database, and give the key of the client that may ask."""
    service = build(settings(url, folder))
    try:
        _put_catalogue(service)
        database = service.store.database
        _put(database, people, companies * world.PEOPLE_PER_COMPANY, _people(companies))
        _put(database, surrogates, companies * world.PEOPLE_PER_COMPANY, _surrogates(companies))
        _put(database, standings, companies, _standings(companies))
        _put(database, delegations, companies * world.PER_COMPANY, _delegations(companies))
        _put(database, delegation_events, companies * world.PER_COMPANY, _events(companies))
        return service.clients.add("bench", SCOPES, CALLER)
    finally:
        service.close()


def _put_catalogue(service: Service) -> None:
    rows = []
    for code in (*world.PROCESSES, world.CLOSED):
        state = ProcessState.CLOSED if code == world.CLOSED else ProcessState.OPEN
        name = suggest_id(code, _TITLE)
        rows.append({"id": name, "code": code, "title": _TITLE, "version": 1, "state": state})
    with service.store.database.write() as connection:
        connection.execute(insert(processes), rows)
        versions = [{"process": row["id"], "version": 1, "since": _now()} for row in rows]
        connection.execute(insert(process_versions), versions)


def _put(database: Database, table: Table, count: int, rows: Iterator[Row]) -> None:
    put = 0
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            # What a row points to was put before it; to look for it each time costs more than that.
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        while some := list(islice(rows, _AT_ONCE)):
            connection.execute(insert(table), some)
            put += len(some)
            progress(f"filling {table.name}: {put:,} of about {count:,}")


def _now() -> datetime:
    return datetime.now(UTC)


def _people(companies: int) -> Iterator[Row]:
    since = _now()
    for number in range(companies * world.PEOPLE_PER_COMPANY):
        yield {"cpf": world.cpf(number), "registered_at": since, "confirmed_at": since}


def _surrogates(companies: int) -> Iterator[Row]:
    for number in range(companies * world.PEOPLE_PER_COMPANY):
        yield {"cpf": world.cpf(number), "surrogate": uuid.uuid4().hex}


def _standings(companies: int) -> Iterator[Row]:
    since = _now()
    for company in range(companies):
        yield {
            "company": world.cnpj(company),
            "person": world.partner(company),
            "role": Role.SOCIO,
            "evidence": Evidence.ASSERTED,
            "observed_at": since,
        }


def _each_member(companies: int) -> Iterator[tuple[int, int]]:
    return ((company, which) for company in range(companies) for which in (0, 1))


def _name(company: int, which: int, process: str) -> str:
    return f"d{company}-{which}-{process.lower()}"


def _delegations(companies: int) -> Iterator[Row]:
    ids = {code: suggest_id(code, _TITLE) for code in world.PROCESSES}
    for company, which in _each_member(companies):
        member, of = world.member(company, which), world.cnpj(company)
        ended = EventKind.REVOKED if world.revoked(company, which) else None
        for process in world.delegated(company, which):
            yield {
                "id": _name(company, which, process),
                "company": of,
                "member": member,
                "process": ids[process],
                "version": 1,
                "ended": ended,
            }


def _events(companies: int) -> Iterator[Row]:
    granted = _now() - timedelta(days=30)
    for company, which in _each_member(companies):
        kinds = [EventKind.GRANTED]
        if world.revoked(company, which):
            kinds.append(EventKind.REVOKED)
        actor = world.partner(company)
        for process in world.delegated(company, which):
            for position, kind in enumerate(kinds):
                yield {
                    "delegation": _name(company, which, process),
                    "position": position,
                    "kind": kind,
                    "at": granted + timedelta(days=position),
                    "actor": actor,
                    "caller": CALLER.name,
                }


Load = Callable[[int], Seed]
"""Gives a database with so many companies."""


def stores(server: Postgres | None) -> Mapping[str, Load]:
    """Give where databases can be had, by the name of their kind."""
    kinds: dict[str, Load] = {"SQLite": sqlite}
    if server is not None:
        kinds["PostgreSQL"] = lambda companies: postgres(server, companies)
    return kinds
