"""
Settings, from the environment and from nowhere else; nobody else reads the environment.

All problems are reported at once, and a mistyped name is one: it would silently leave
the default in force. ``authz settings`` prints the table that the README shows.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from authz_service.domain.clients import Network
from authz_service.domain.errors import SettingsInvalid
from authz_service.settings.decisions import FreshnessSettings, LogSettings
from authz_service.settings.govbr import GovBrSettings, govbr_of
from authz_service.settings.listing import SETTINGS, Setting, example, table
from authz_service.settings.reading import read_port, whole

__all__ = [
    "SETTINGS",
    "SHIPPED_POLICIES",
    "FreshnessSettings",
    "GovBrSettings",
    "LogSettings",
    "Setting",
    "Settings",
    "example",
    "read_port",
    "table",
]

SHIPPED_POLICIES = Path(__file__).parent.parent / "policy" / "shipped"
"""The policies that come with the service; in the repository, a link to ``policies/``."""

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""IPv4 in the form of IPv6; callers are told apart by what they are, which is IPv4."""

_FLAGS = {"on": True, "off": False}
_WORDS = {
    "AUTHZ_SERVER": ("waitress", "granian"),
    "AUTHZ_FRESHNESS": ("strict", "notified"),
    "AUTHZ_LOG_SYNC": ("default", "strict"),
    "AUTHZ_LOG_FAILURE": ("refuse", "lose"),
}
_NUMBERS = {
    "AUTHZ_STALE_SECONDS": (1, 60),
    "AUTHZ_HELD_QUESTIONS": (1, 1_000_000),
    "AUTHZ_CLOCK_TOLERANCE_SECONDS": (1, 60),
    "AUTHZ_LOG_SEGMENT_MB": (1, 1024),
    "AUTHZ_LOG_HEADS_SECONDS": (1, 3600),
    "AUTHZ_LOG_KEEP_DECISIONS_DAYS": (0, 36_500),
    "AUTHZ_LOG_KEEP_ACTS_DAYS": (0, 36_500),
    "AUTHZ_WORKERS": (1, 64),
    "AUTHZ_REQUESTS_PER_MINUTE": (0, 1_000_000),
    "AUTHZ_MAX_BODY": (1024, 1_048_576),
    "AUTHZ_MAX_BATCH": (1, 1_000),
}
_DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
_FLAG_NAMES = ("AUTHZ_ORQUESTRA_GET", "AUTHZ_CONFIRM_AT_SIGN_IN")


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The settings as values.

    Attributes:
        data_dir: folder of database, decision log and the last good policy.
        database_url: SQLAlchemy URL of the database; it may hold a password.
        policies: folder of the policy files.
        entities: file that describes other services' entities, or None.
        pdp_id: the https address that AuthZEN's metadata tells, without a slash at the end, or
            None.
        host: address to listen on.
        port: port to listen on.
        workers: processes that serve.
        server: what speaks HTTP, ``waitress`` or ``granian``.
        freshness: how the facts in memory are kept true.
        log: how the decision log is kept.
        trusted_proxies: networks of proxies whose ``X-Forwarded-For`` is believed.
        requests_per_minute: how many a client may send to one worker, or None for any number.
        max_body: longest body in bytes.
        max_batch: most evaluations in one request.
        orquestra_get: whether Orquestra may ask with GET.
        govbr: the GOV.BR whose tokens are believed, or None where sign-in is off.
        confirm_at_sign_in: whether the first sign-in confirms a person.
    """

    data_dir: Path
    database_url: str = field(repr=False)
    policies: Path
    host: str
    port: int
    orquestra_get: bool = False
    entities: Path | None = None
    pdp_id: str | None = None
    workers: int = 1
    server: str = "waitress"
    freshness: FreshnessSettings = field(default_factory=FreshnessSettings)
    log: LogSettings = field(default_factory=LogSettings)
    trusted_proxies: tuple[Network, ...] = ()
    requests_per_minute: int | None = None
    max_body: int = 262_144
    max_batch: int = 200
    govbr: GovBrSettings | None = None
    confirm_at_sign_in: bool = False

    @property
    def log_folder(self) -> Path:
        """The folder of the decision log."""
        return self.data_dir / "log"

    @property
    def last_good_policy(self) -> Path:
        """The file in which the last good policy is kept."""
        return self.data_dir / "policy" / "last-good.json"

    @property
    def policy_status(self) -> Path:
        """The folder in which each worker says which policy it decides by."""
        return self.data_dir / "policy" / "status"

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
        if not url.startswith(_DATABASES):
            problems.append("AUTHZ_DATABASE_URL: must begin with `sqlite:///` or `postgresql://`")
        port = read_port(texts["AUTHZ_PORT"])
        if port is None:
            problems.append("AUTHZ_PORT: must be a whole number from 1 to 65535")
        if not texts["AUTHZ_HOST"]:
            problems.append("AUTHZ_HOST: must not be empty")
        numbers = {name: whole(texts[name], *bounds) for name, bounds in _NUMBERS.items()}
        problems += [
            f"{name}: must be a whole number from {_NUMBERS[name][0]} to {_NUMBERS[name][1]}"
            for name, number in numbers.items()
            if number is None
        ]
        if texts["AUTHZ_PDP_ID"] and not _is_pdp_id(texts["AUTHZ_PDP_ID"]):
            problems.append(
                "AUTHZ_PDP_ID: must be an https address without user, path, query or fragment"
            )
        problems += [
            f"{name}: must be {' or '.join(f'`{word}`' for word in words)}"
            for name, words in _WORDS.items()
            if texts[name].lower() not in words
        ]
        words = {name: texts[name].lower() for name in _WORDS}
        if words["AUTHZ_FRESHNESS"] == "notified" and not url.startswith("postgresql"):
            problems.append("AUTHZ_FRESHNESS: `notified` is for PostgreSQL, which can tell")
        proxies = _proxies(texts["AUTHZ_TRUSTED_PROXIES"], problems)
        flags = {name: _FLAGS.get(texts[name].lower()) for name in _FLAG_NAMES}
        problems += [f"{name}: must be `on` or `off`" for name in flags if flags[name] is None]
        govbr = govbr_of(texts, problems)
        if problems or port is None:
            raise SettingsInvalid(problems)
        counts = {name: number or 0 for name, number in numbers.items()}
        return cls(
            data_dir=Path(data_dir),
            database_url=url,
            policies=Path(texts["AUTHZ_POLICIES"]) if texts["AUTHZ_POLICIES"] else SHIPPED_POLICIES,
            host=texts["AUTHZ_HOST"],
            port=port,
            entities=Path(texts["AUTHZ_ENTITIES"]) if texts["AUTHZ_ENTITIES"] else None,
            pdp_id=texts["AUTHZ_PDP_ID"].rstrip("/") or None,
            workers=counts["AUTHZ_WORKERS"],
            server=words["AUTHZ_SERVER"],
            freshness=FreshnessSettings.of(words, counts),
            log=LogSettings.of(words, counts),
            trusted_proxies=proxies,
            requests_per_minute=counts["AUTHZ_REQUESTS_PER_MINUTE"] or None,
            max_body=counts["AUTHZ_MAX_BODY"],
            max_batch=counts["AUTHZ_MAX_BATCH"],
            orquestra_get=bool(flags["AUTHZ_ORQUESTRA_GET"]),
            govbr=govbr,
            confirm_at_sign_in=bool(flags["AUTHZ_CONFIRM_AT_SIGN_IN"]),
        )


def _is_pdp_id(url: str) -> bool:
    """Tell whether *url* can name a policy decision point (AuthZEN 1.0, 9.1): the host alone."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not set(" ?#@%\\") & set(url)
    return parts.scheme == "https" and bool(host) and plain and parts.path in ("", "/")


def _proxies(text: str, problems: list[str]) -> tuple[Network, ...]:
    networks = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        try:
            network = ipaddress.ip_network(part)
        except ValueError:
            problems.append(f"AUTHZ_TRUSTED_PROXIES: `{part}` is no network")
            continue
        if network.prefixlen == 0:
            problems.append(f"AUTHZ_TRUSTED_PROXIES: `{part}` is everybody; name the proxies")
        if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
            problems.append(
                f"AUTHZ_TRUSTED_PROXIES: `{part}` never matches; write IPv4 as `10.0.0.0/8`"
            )
        networks.append(network)
    return tuple(networks)


def _unknown(name: str, known: Mapping[str, Setting]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{name}: is no setting{hint}"
