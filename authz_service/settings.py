"""
Settings, from the environment and from nowhere else; nobody else reads the environment.

All problems are reported at once, and a mistyped name is one: it would silently leave
the default in force. ``authz settings`` prints the table that the README shows.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, urlsplit

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
        "`on` lets Orquestra ask with GET; CPFs and handles of sign-ins then stand in URLs and in "
        "the logs of proxies.",
    ),
    Setting(
        "AUTHZ_GOVBR_ISSUER",
        "",
        "GOV.BR's `iss`, its slash included: `https://sso.acesso.gov.br/`, or that of its staging. "
        "With none of the four, sign-in is off.",
    ),
    Setting("AUTHZ_GOVBR_AUDIENCE", "", "The service's `client_id` at GOV.BR, the tokens' `aud`."),
    Setting(
        "AUTHZ_GOVBR_JWKS_URL", "", "Where GOV.BR's keys are; empty means `jwk` under the issuer."
    ),
    Setting(
        "AUTHZ_GOVBR_API_URL",
        "",
        "GOV.BR's API host; empty means that of the issuer's environment, and none for an issuer "
        "that is not GOV.BR's: nobody is asked for companies then.",
    ),
    Setting(
        "AUTHZ_GOVBR_KEYS_HOURS",
        "24",
        "How long the last good keys serve while GOV.BR gives no new ones, 1 to 720 hours.",
    ),
    Setting(
        "AUTHZ_CONFIRM_AT_SIGN_IN",
        "off",
        "`on` confirms a person with the first sign-in; `off` waits for Orquestra's confirmation.",
    ),
)
"""Every setting, in the order of the documentation."""

_FLAGS = {"on": True, "off": False}
_FLAG_NAMES = ("AUTHZ_ORQUESTRA_GET", "AUTHZ_CONFIRM_AT_SIGN_IN")


@dataclass(frozen=True, slots=True)
class GovBrSettings:
    """
    The one GOV.BR whose tokens are believed.

    Attributes:
        issuer: the exact ``iss``.
        audience: the ``aud`` that tokens have to be for.
        jwks_url: where the keys are.
        api_url: where the companies API is, without a slash at the end, or None.
        keys_hours: how long the last good keys serve while no new ones come.
    """

    issuer: str
    audience: str
    jwks_url: str
    api_url: str | None
    keys_hours: int


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
        govbr: the GOV.BR whose tokens are believed, or None where sign-in is off.
        confirm_at_sign_in: whether the first sign-in confirms a person.
    """

    data_dir: Path
    database_url: str
    policies: Path
    host: str
    port: int
    orquestra_get: bool
    govbr: GovBrSettings | None = None
    confirm_at_sign_in: bool = False

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
        flags = {name: _FLAGS.get(texts[name].lower()) for name in _FLAG_NAMES}
        problems += [f"{name}: must be `on` or `off`" for name in flags if flags[name] is None]
        govbr = _govbr(texts, problems)
        if problems or port is None:
            raise SettingsInvalid(problems)
        return cls(
            data_dir=Path(data_dir),
            database_url=url,
            policies=Path(texts["AUTHZ_POLICIES"]),
            host=texts["AUTHZ_HOST"],
            port=port,
            orquestra_get=bool(flags["AUTHZ_ORQUESTRA_GET"]),
            govbr=govbr,
            confirm_at_sign_in=bool(flags["AUTHZ_CONFIRM_AT_SIGN_IN"]),
        )


class _Environment(StrEnum):
    PRODUCTION = "production"
    STAGING = "staging"
    OWN = "of its own"


# GOV.BR's issuers and API hosts (technical manual, "Passo 3" and "Cadastro de Pessoas Jurídicas").
_ISSUERS = {
    _Environment.PRODUCTION: "https://sso.acesso.gov.br/",
    _Environment.STAGING: "https://sso.staging.acesso.gov.br/",
}
_APIS = {
    _Environment.PRODUCTION: "https://api.acesso.gov.br",
    _Environment.STAGING: "https://api.staging.acesso.gov.br",
}
_ADDRESSES = ("AUTHZ_GOVBR_ISSUER", "AUTHZ_GOVBR_JWKS_URL", "AUTHZ_GOVBR_API_URL")


def _govbr(texts: Mapping[str, str], problems: list[str]) -> GovBrSettings | None:
    """Give the GOV.BR that the settings name; what is wrong with it goes to *problems*."""
    hours = _whole(texts["AUTHZ_GOVBR_KEYS_HOURS"], 1, 720)
    if hours is None:
        problems.append("AUTHZ_GOVBR_KEYS_HOURS: must be a whole number from 1 to 720")
    issuer, audience = texts["AUTHZ_GOVBR_ISSUER"], texts["AUTHZ_GOVBR_AUDIENCE"]
    given = {name: texts[name] for name in _ADDRESSES if texts[name]}
    if not given and not audience:
        return None
    if not issuer:
        problems.append("AUTHZ_GOVBR_ISSUER: is needed, since sign-in is configured in part")
    if not audience:
        problems.append("AUTHZ_GOVBR_AUDIENCE: is needed, since sign-in is configured in part")
    found: dict[str, _Environment] = {}
    for name, url in given.items():
        host = _host(url)
        if host is None:
            problems.append(f"{name}: must be an https address, without user, query or fragment")
        else:
            found[name] = _environment(host)
    environments = set(found.values())
    if len(environments) > 1:
        told = ", ".join(f"{name} is {environment}" for name, environment in found.items())
        problems.append(f"AUTHZ_GOVBR_*: must be of one environment, but {told}")
    environment = found.get("AUTHZ_GOVBR_ISSUER", _Environment.OWN)
    if issuer != _ISSUERS.get(environment, issuer):
        problems.append(f"AUTHZ_GOVBR_ISSUER: must be `{_ISSUERS[environment]}`, with its slash")
    return GovBrSettings(
        issuer=issuer,
        audience=audience,
        jwks_url=texts["AUTHZ_GOVBR_JWKS_URL"] or f"{issuer.rstrip('/')}/jwk",
        api_url=texts["AUTHZ_GOVBR_API_URL"].rstrip("/") or _APIS.get(environment),
        keys_hours=hours or 0,
    )


def _host(url: str) -> str | None:
    """Give the host of an address that may be asked, or None."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    # An empty query or fragment leaves its sign behind only in the text.
    plain = url.isascii() and url.isprintable() and not set(" ?#@%\\") & set(url)
    if not host or not plain:
        return None
    if parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host)):
        return host
    return None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _environment(host: str) -> _Environment:
    domain = f".{host}".rstrip(".")
    if domain.endswith(".staging.acesso.gov.br"):
        return _Environment.STAGING
    if domain.endswith(".acesso.gov.br"):
        return _Environment.PRODUCTION
    return _Environment.OWN


def _unknown(name: str, known: Mapping[str, Setting]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{name}: is no setting{hint}"


def read_port(text: str) -> int | None:
    """Give the port that *text* names, 1 to 65535 in plain digits, or None."""
    return _whole(text, 1, 65535)


def _whole(text: str, least: int, most: int) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 5 and least <= int(text) <= most:
        return int(text)
    return None


def table() -> str:
    """Give the documentation of all settings as a Markdown table."""
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "empty"
        rows.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
    return "\n".join(rows)
