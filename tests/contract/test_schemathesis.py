"""
Schemathesis asks the running service everything that its document allows, and more.

It makes requests out of ``/openapi.json``: the examples, the edges of each schema, arbitrary
ones, right and wrong, and chains along the links. Each answer has to be one that the document
foresees, never a 5xx; what breaks a schema has to be refused, what keeps it has to be read.
What is left out, and why, stands in ``hooks`` and ``schemathesis.toml``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.seeds import TOKENS
from tests.contract.serving import Served, serving
from tests.operation.house import ROOT, environment
from tests.postgres import running

_SCHEMATHESIS = str(Path(sys.executable).with_name("st"))
_CONFIGURED = str(ROOT / "tests" / "contract" / "schemathesis.toml")


def asked(
    served: Served, *options: str, document: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Have Schemathesis ask the service for what *document* says, or else its own."""
    return subprocess.run(
        [
            _SCHEMATHESIS,
            f"--config-file={_CONFIGURED}",
            "run",
            document or f"{served.address}/openapi.json",
            f"--url={served.address}",
            f"--header=Authorization: Bearer {served.key}",
            *options,
        ],
        cwd=ROOT,
        env=environment(**{TOKENS: json.dumps(served.tokens)}),
        capture_output=True,
        text=True,
        timeout=7200,
        check=False,
    )


def _held(folder: Path, *options: str, **settings: str) -> None:
    """Have the service asked, and see that nothing is wrong with it."""
    with serving(folder, **settings) as served:
        outcome = asked(served, *options)
        log = served.service.err.read_text("utf-8")
    assert 0 == outcome.returncode, outcome.stdout + outcome.stderr
    assert [] == [line for line in log.splitlines() if '"level": "error"' in line]


def test_the_service_keeps_its_contract(tmp_path: Path) -> None:
    """On SQLite, with few examples: no 5xx, nothing undocumented, no wrong data, no right lost."""
    _held(tmp_path, "--max-examples=2", "--seed=1", "--phases=examples,coverage,fuzzing")


def test_the_service_keeps_its_contract_on_postgresql(tmp_path: Path) -> None:
    """On PostgreSQL, with the examples and along the links: the same."""
    with running() as server:
        options = ("--seed=2", "--phases=examples,stateful")
        _held(tmp_path, *options, AUTHZ_DATABASE_URL=server.new())


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_service_keeps_its_contract_for_long(
    tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    """With hundreds of examples of each operation, and in all ways, on each database: the same."""
    if not request.config.getoption("--soak"):
        pytest.skip("the long form; `make soak` runs it")
    options = ("--max-examples=300",)
    if database == "sqlite":
        _held(tmp_path, *options)
        return
    with running() as server:
        _held(tmp_path, *options, AUTHZ_DATABASE_URL=server.new())


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give a service that runs for several tests."""
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda said: said["responses"].pop("400"), "ST103", id="a status is missing"),
        pytest.param(
            lambda said: said["responses"]["200"]["headers"].update(
                Other={"required": True, "schema": {"type": "string"}}
            ),
            "ST107",
            id="a header is promised",
        ),
        pytest.param(
            lambda said: said["requestBody"]["content"].update(
                {"application/json": {"schema": {"type": "object"}}}
            ),
            "ST202",
            id="a body is described too widely",
        ),
    ],
)
def test_a_contract_that_is_not_kept_is_noticed(
    served: Served, tmp_path: Path, change: Callable[[dict[str, Any]], None], code: str
) -> None:
    """Where the document says something else than the service does, the run fails."""
    found = served.service.send("GET", "/openapi.json").json
    change(found["paths"]["/v1/people"]["post"])
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(found), "utf-8")
    outcome = asked(
        served,
        "--include-operation-id=people.say",
        "--max-examples=3",
        "--seed=1",
        "--phases=examples,coverage",
        document=str(altered),
    )
    assert 1 == outcome.returncode, outcome.stdout + outcome.stderr
    assert code in outcome.stdout
