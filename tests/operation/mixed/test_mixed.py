"""
Deciders and writers at the same time, over several workers: no error, nothing stale, all logged.

The short form takes seconds; ``make soak`` runs ten minutes with 64 clients.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.operation.failing.servers import SERVERS, chosen, long_form
from tests.operation.house import Running, free_port
from tests.operation.mixed.calling import Ledger, logged
from tests.operation.mixed.crowd import Crowd
from tests.operation.mixed.home import prepare, unsound
from tests.operation.signing_in import eventually
from tests.postgres import running

SHORT = (("waitress", "sqlite"), ("granian", "postgres"))
"""What the short form tries; the long one tries the other two as well."""


def heard_enough(heard: Ledger, writers: int) -> bool:
    """Tell whether several acts of each writer were answered, and many questions."""
    return heard.acts > 3 * writers and len(heard.decided) > 100


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_all_at_once(tmp_path: Path, server: str, where: str, pytestconfig: pytest.Config) -> None:
    """Every call is answered, rightly as of its moment, and every answer is in the log once."""
    soak = pytestconfig.getoption("--soak")
    if (server, where) not in SHORT:
        long_form(pytestconfig)
    seconds, deciders, writers = (600.0, 44, 20) if soak else (1.0, 5, 3)
    settings = chosen(server)
    with ExitStack() as held:
        if where == "postgres":
            settings["AUTHZ_DATABASE_URL"] = held.enter_context(running()).new()
        keys = prepare(tmp_path, **settings)
        service = Running(
            tmp_path, "serve", "--port", str(free_port()), **settings, AUTHZ_WORKERS="2"
        )
        held.callback(service.kill)
        crowd = Crowd(service.port, keys, deciders, writers, forgiving=False)
        crowd.start()
        time.sleep(seconds)
        # On a busy machine it takes longer until there is something to look at.
        assert eventually(lambda: heard_enough(crowd.ledger, writers))
        crowd.stop()
        code = service.stop()
        sound = unsound(tmp_path, **settings)
    heard, found = crowd.ledger, logged(tmp_path / "var")

    assert ([], []) == (heard.wrong, heard.twice)
    assert (0, []) == (code, found.torn)
    assert heard.decided == {name: found.decisions.get(name) for name in heard.decided}
    assert {1} == set(found.times.values())
    # Nothing stands there that nobody was answered; delegating asks the policy as well.
    assert len(heard.decided) == found.opening
    assert heard_enough(heard, writers)
    assert sound is None
