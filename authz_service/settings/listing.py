"""Every setting with its default and its meaning: the documentation is made of this."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


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
        "Folder of the embedded database, the decision log and the last good policy; made if "
        "absent, for its owner only.",
    ),
    Setting(
        "AUTHZ_DATABASE_URL",
        "",
        "Database, as `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`; empty means "
        "`authz.db` in the data folder.",
    ),
    Setting(
        "AUTHZ_FRESHNESS",
        "strict",
        "`strict` asks the database before every decision whether anything has changed; "
        "`notified` lets PostgreSQL tell it, so that a decision may rest on a state of "
        "AUTHZ_STALE_SECONDS ago.",
    ),
    Setting(
        "AUTHZ_STALE_SECONDS",
        "1",
        "How old that state may be at most where AUTHZ_FRESHNESS is `notified`, 1 to 60 seconds.",
    ),
    Setting(
        "AUTHZ_HELD_QUESTIONS",
        "100000",
        "For how many different questions a worker keeps the facts in memory, 1 to 1000000.",
    ),
    Setting(
        "AUTHZ_CLOCK_TOLERANCE_SECONDS",
        "2",
        "How far the machine's clock may be from the database's before it is reported, 1 to 60 "
        "seconds.",
    ),
    Setting(
        "AUTHZ_LOG_SYNC",
        "default",
        "`default` brings the decision log to the disk every 50 milliseconds, so that a power cut "
        "costs at most those; `strict` does so before each answer.",
    ),
    Setting(
        "AUTHZ_LOG_FAILURE",
        "refuse",
        "What becomes of decisions while the decision log cannot be written: `refuse` answers 503, "
        "`lose` answers and counts every lost record.",
    ),
    Setting(
        "AUTHZ_LOG_SEGMENT_MB",
        "64",
        "How long a file of the decision log gets before it is closed and compressed, 1 to 1024 "
        "MiB.",
    ),
    Setting(
        "AUTHZ_LOG_HEADS_SECONDS",
        "60",
        "How often the heads of the decision log are signed, 1 to 3600 seconds.",
    ),
    Setting(
        "AUTHZ_LOG_KEEP_DECISIONS_DAYS",
        "0",
        "How many days decisions stay in the log, 0 to 36500; 0 means for ever.",
    ),
    Setting(
        "AUTHZ_LOG_KEEP_ACTS_DAYS",
        "0",
        "How many days administrative acts stay in the log, 0 to 36500; 0 means for ever.",
    ),
    Setting(
        "AUTHZ_POLICIES",
        "",
        "Folder of the policy files and `reasons.toml`; empty means those that came with the "
        "service.",
    ),
    Setting(
        "AUTHZ_ENTITIES",
        "",
        "JSON file that describes entities of other services, so that rules can read them; empty "
        "means none.",
    ),
    Setting(
        "AUTHZ_PDP_ID",
        "",
        "The https address under which callers reach the service, such as "
        "`https://authz.example`; `/.well-known/authzen-configuration` tells it. Empty means that "
        "there is no such document.",
    ),
    Setting("AUTHZ_HOST", "127.0.0.1", "Address that `authz serve` listens on."),
    Setting("AUTHZ_PORT", "8080", "Port that `authz serve` listens on, 1 to 65535."),
    Setting("AUTHZ_WORKERS", "1", "Processes that serve side by side, 1 to 64."),
    Setting(
        "AUTHZ_SERVER",
        "waitress",
        "What speaks HTTP: `waitress`, or `granian`, which is about twice as fast and has to be "
        "installed with the service, as `inmetro-authz-service[granian]`.",
    ),
    Setting(
        "AUTHZ_TRUSTED_PROXIES",
        "",
        "Networks of the reverse proxies whose `X-Forwarded-For` is believed, separated by commas, "
        "such as `10.0.0.5,fd00::/8`; empty means none. With granian, callers behind them have no "
        "address at all.",
    ),
    Setting(
        "AUTHZ_REQUESTS_PER_MINUTE",
        "6000",
        "How many requests one client may send to one worker in a minute, each evaluation of a "
        "batch counted as one; 0 means any number.",
    ),
    Setting("AUTHZ_MAX_BODY", "262144", "Longest request body in bytes, 1024 to 1048576."),
    Setting("AUTHZ_MAX_BATCH", "200", "Most evaluations in one request, 1 to 1000."),
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


def table() -> str:
    """Give the documentation of all settings as a Markdown table."""
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "empty"
        rows.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
    return "\n".join(rows)


def example() -> str:
    """Give an environment file with every setting at its default, for ``deploy/``."""
    lines = ["# Every setting of the service, at its default. What is commented out is empty."]
    for setting in SETTINGS:
        lines += ["", *(f"# {line}" for line in textwrap.wrap(setting.meaning, 94))]
        sign = "" if setting.default else "#"
        lines.append(f"{sign}{setting.name}={setting.default}")
    return "\n".join(lines)
