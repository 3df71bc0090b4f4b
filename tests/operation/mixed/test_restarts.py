"""A restart under load: who has been taken in is answered, and two services may overlap."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.operation.failing.servers import SERVERS, chosen, long_form
from tests.operation.house import Running, free_port
from tests.operation.mixed.calling import logged
from tests.operation.mixed.crowd import Crowd
from tests.operation.mixed.home import prepare, unsound
from tests.operation.test_workers import ASKING, Callers

FLAT = {"cpf": "18762794604", "cnpj": "52420282000180", "processo": "P001", "acao": "iniciar"}


@contextmanager
def serving(folder: Path, port: int, **settings: str) -> Iterator[Running]:
    """Serve with two workers in *folder*."""
    # Each in a folder of its own: two at once would write one file of what they say.
    place = folder / f"said-{port}"
    place.mkdir(exist_ok=True)
    settings = {
        **settings,
        "AUTHZ_DATA_DIR": str(folder / "var"),
        "AUTHZ_POLICIES": str(folder / "policies"),
        "AUTHZ_WORKERS": "2",
    }
    service = Running(place, "serve", "--port", str(port), **settings)
    try:
        yield service
    finally:
        service.kill()


@pytest.mark.soak
@pytest.mark.parametrize("after", SERVERS)
def test_another_service_takes_over(
    tmp_path: Path, after: str, pytestconfig: pytest.Config
) -> None:
    """The new one starts beside the old one, callers go there, the old one stops: no error."""
    if after == "waitress":
        long_form(pytestconfig)
    settings, keys = chosen(after), prepare(tmp_path)
    with serving(tmp_path, free_port(), **chosen("waitress")) as old:
        crowd = Crowd(old.port, keys, deciders=4, writers=2, forgiving=False)
        crowd.start()
        time.sleep(0.5)
        with serving(tmp_path, free_port(), **settings) as new:
            crowd.port = new.port
            code = old.stop()
            time.sleep(1.0)
            crowd.stop()
            codes = (code, new.stop())
    heard, found = crowd.ledger, logged(tmp_path / "var")

    assert ([], (0, 0)) == (heard.wrong, codes)
    assert heard.decided == {name: found.decisions.get(name) for name in heard.decided}
    assert ({1}, len(heard.decided)) == (set(found.times.values()), found.opening)
    assert unsound(tmp_path) is None


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
def test_a_restart_on_the_same_port(
    tmp_path: Path, server: str, pytestconfig: pytest.Config
) -> None:
    """Who has sent a request is answered by the old one; who comes later, by the new one."""
    soak = pytestconfig.getoption("--soak")
    if server == "waitress":
        # test_workers has a short one.
        long_form(pytestconfig)
    settings, keys, port = chosen(server), prepare(tmp_path), free_port()
    headers = {"Authorization": f"Bearer {keys['teller']}", "Content-Type": "application/json"}

    def ask(connection: HTTPConnection) -> None:
        connection.request("POST", "/v1/orquestra/decisao", json.dumps(FLAT), headers)

    answers: list[bytes] = []
    for _ in range(20 if soak else 1):
        with serving(tmp_path, port, **settings) as service:
            callers = Callers(ask, port)
            time.sleep(0.4)
            code = service.stop()
            heard = callers.wait()
        assert ([], ASKING, {200}, 0) == (heard.cut_off, heard.refused, set(heard.statuses), code)
        answers += heard.answers
    named = [json.loads(one)["decisao_id"] for one in answers]
    found = logged(tmp_path / "var")

    assert [1] * len(named) == [found.times[name] for name in named]
    assert len(named) == found.opening
    assert unsound(tmp_path) is None
