"""The HTTP servers that a service can have, as a parameter of tests."""

from __future__ import annotations

import subprocess
from functools import cache

import pytest

from tests.operation.house import AUTHZ, ROOT, environment

SERVERS = ("waitress", "granian")
BOTH = ("waitress", pytest.param("granian", marks=pytest.mark.soak))
"""For what does not hang on the server: the short form tries one, the long form both."""


def chosen(server: str) -> dict[str, str]:
    """Give the settings that choose a server; skip the test where it cannot be chosen."""
    if server == "granian" and not _has_granian():
        pytest.skip("granian: `authz serve --server granian` does not start here")
    return {"AUTHZ_SERVER": server, "AUTHZ_REQUESTS_PER_MINUTE": "0"}


def long_form(config: pytest.Config) -> None:
    """Skip what is only for ``make soak``; it is marked so as well."""
    if not config.getoption("--soak"):
        pytest.skip("the long form; `make soak` runs it")


@cache
def _has_granian() -> bool:
    done = subprocess.run(
        [*AUTHZ, "serve", "--help"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return "--server" in done.stdout
