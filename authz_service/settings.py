"""
Settings, from the environment and from nowhere else; nobody else reads the environment.

All problems are reported at once, and a mistyped name is one: it would silently leave
the default in force. ``authz settings`` prints the table that the README shows.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from authz_service.domain.errors import SettingsInvalid


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting.

    Attributes:
        name: the name of the environment variable.
        default: the text it has if it is not set.
        meaning: what it does.
    """

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting(
        "AUTHZ_DATA_DIR",
        "var",
        "Folder of the embedded database and the decision log; made if absent, for its owner only.",
    ),
    Setting(
        "AUTHZ_DATABASE_URL",
        "",
        "Database, as `sqlite:///PATH`; empty means `authz.db` in the data folder.",
    ),
    Setting("AUTHZ_POLICIES", "policies", "Folder of the policy files and `reasons.toml`."),
    Setting("AUTHZ_HOST", "127.0.0.1", "Address that `authz serve` listens on."),
    Setting("AUTHZ_PORT", "8080", "Port that `authz serve` listens on, 1 to 65535."),
    Setting(
        "AUTHZ_ORQUESTRA_GET",
        "off",
        "`on` lets Orquestra ask with GET; CPFs then stand in URLs and in the logs of proxies.",
    ),
)
"""Every setting, in the order of the documentation."""

_FLAGS = {"on": True, "off": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The settings as values.

    Attributes:
        data_dir: folder of database and decision log.
        database_url: SQLAlchemy URL of the database.
        policies: folder of the policy files.
        host: address to listen on.
        port: port to listen on.
        orquestra_get: whether Orquestra may ask with GET.
    """

    data_dir: Path
    database_url: str
    policies: Path
    host: str
    port: int
    orquestra_get: bool

    @property
    def decision_log(self) -> Path:
        """The file of the decision log."""
        return self.data_dir / "decisions.jsonl"

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Settings:
        """
        Read the settings out of *environment*.

        Raises:
            SettingsInvalid: with every problem.
        """
        known = {setting.name: setting for setting in SETTINGS}
        problems = [
            _unknown(name, known)
            for name in sorted(environment)
            if name.startswith("AUTHZ_") and name not in known
        ]
        if "POLAR_LOG" in environment:
            problems.append("POLAR_LOG: must not be set; oso would print the facts of decisions")
        texts = {
            name: environment.get(name, setting.default).strip() for name, setting in known.items()
        }
        data_dir = texts["AUTHZ_DATA_DIR"] or "."
        url = texts["AUTHZ_DATABASE_URL"] or f"sqlite:///{quote(data_dir)}/authz.db"
        if not url.startswith("sqlite:///"):
            problems.append("AUTHZ_DATABASE_URL: must begin with `sqlite:///`")
        port = read_port(texts["AUTHZ_PORT"])
        if port is None:
            problems.append("AUTHZ_PORT: must be a whole number from 1 to 65535")
        if not texts["AUTHZ_HOST"]:
            problems.append("AUTHZ_HOST: must not be empty")
        if not texts["AUTHZ_POLICIES"]:
            problems.append("AUTHZ_POLICIES: must not be empty")
        orquestra_get = _FLAGS.get(texts["AUTHZ_ORQUESTRA_GET"].lower())
        if orquestra_get is None:
            problems.append("AUTHZ_ORQUESTRA_GET: must be `on` or `off`")
        if problems or port is None or orquestra_get is None:
            raise SettingsInvalid(problems)
        return cls(
            data_dir=Path(data_dir),
            database_url=url,
            policies=Path(texts["AUTHZ_POLICIES"]),
            host=texts["AUTHZ_HOST"],
            port=port,
            orquestra_get=orquestra_get,
        )


def _unknown(name: str, known: Mapping[str, Setting]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{name}: is no setting{hint}"


def read_port(text: str) -> int | None:
    """Give the port that *text* names, 1 to 65535 in plain digits, or None."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535:
        return int(text)
    return None


def table() -> str:
    """Give the documentation of all settings as a Markdown table."""
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "empty"
        rows.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
    return "\n".join(rows)
