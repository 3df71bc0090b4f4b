"""What the mixed tests begin with and end with: two keys, and a log whose chains are looked at."""

from __future__ import annotations

from pathlib import Path

from authz_service.domain.clients import SCOPES
from tests.operation.house import FEW, authz, called, furnish, succeeded

_CSV = "code,title,version\nP001,Acreditação Inicial,3\n"


def prepare(folder: Path, **settings: str) -> dict[str, str]:
    """
    Fill the database of a service in *folder*.

    Returns:
        the key of ``writer``, which may do everything, and of ``teller``, which decides and is
        told reasons, and so the names of its decisions in batches as well.
    """
    where = {name: text for name, text in settings.items() if name == "AUTHZ_DATABASE_URL"}
    keys = furnish(folder, _CSV, {"writer": SCOPES}, policies=FEW, **where)
    made = called(folder, "client", "add", "teller", "--scope", "decide", "--reasons", **where)
    return {**keys, "teller": succeeded(made).strip()}


def unsound(folder: Path, **settings: str) -> str | None:
    """Give what ``authz audit verify`` finds wrong with the log, None if it is sound."""
    done = authz(folder, "audit", "verify", **settings)
    return None if done.returncode == 0 else done.stdout + done.stderr
