"""Settings come from the environment, are complete or refused, and are documented."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from authz_service.domain.errors import SettingsInvalid
from authz_service.settings import (
    SETTINGS,
    SHIPPED_POLICIES,
    FreshnessSettings,
    GovBrSettings,
    LogSettings,
    Settings,
    table,
)


def test_nothing_needs_to_be_set() -> None:
    """Without any setting the service serves here, for this machine only, and never by GET."""
    assert Settings(
        data_dir=Path("var"),
        database_url="sqlite:///var/authz.db",
        policies=SHIPPED_POLICIES,
        host="127.0.0.1",
        port=8080,
        requests_per_minute=6000,
    ) == Settings.from_env({"PATH": "/bin"})


def test_everything_can_be_set() -> None:
    """Each setting has its effect."""
    assert Settings(
        data_dir=Path("/srv/authz"),
        database_url="sqlite:////srv/other.db",
        policies=Path("rules"),
        host="0.0.0.0",  # noqa: S104 - only read, not listened on
        port=443,
        workers=4,
        trusted_proxies=(ip_network("10.0.0.5"), ip_network("fd00::/8")),
        requests_per_minute=None,
        max_body=65536,
        max_batch=50,
        entities=Path("entities.json"),
        pdp_id="https://authz.example",
        orquestra_get=True,
        govbr=GovBrSettings(
            issuer="https://sso.acesso.gov.br/",
            audience="servicos.inmetro.gov.br",
            jwks_url="https://sso.acesso.gov.br/chaves",
            api_url="https://api.acesso.gov.br/x",
            keys_hours=48,
        ),
        confirm_at_sign_in=True,
    ) == Settings.from_env(
        {
            "AUTHZ_DATA_DIR": "/srv/authz",
            "AUTHZ_DATABASE_URL": "sqlite:////srv/other.db",
            "AUTHZ_POLICIES": " rules ",
            "AUTHZ_HOST": "0.0.0.0",  # noqa: S104 - only read, not listened on
            "AUTHZ_PORT": "443",
            "AUTHZ_WORKERS": "4",
            "AUTHZ_TRUSTED_PROXIES": "10.0.0.5, fd00::/8,",
            "AUTHZ_REQUESTS_PER_MINUTE": "0",
            "AUTHZ_MAX_BODY": "65536",
            "AUTHZ_MAX_BATCH": "50",
            "AUTHZ_ENTITIES": "entities.json",
            "AUTHZ_PDP_ID": "https://authz.example/",
            "AUTHZ_ORQUESTRA_GET": "ON",
            "AUTHZ_GOVBR_ISSUER": "https://sso.acesso.gov.br/",
            "AUTHZ_GOVBR_AUDIENCE": "servicos.inmetro.gov.br",
            "AUTHZ_GOVBR_JWKS_URL": "https://sso.acesso.gov.br/chaves",
            "AUTHZ_GOVBR_API_URL": "https://api.acesso.gov.br/x/",
            "AUTHZ_GOVBR_KEYS_HOURS": "48",
            "AUTHZ_CONFIRM_AT_SIGN_IN": "on",
        }
    )


def test_the_database_and_the_log_follow_the_data_folder() -> None:
    """Who moves the data folder moves database and log with it."""
    settings = Settings.from_env({"AUTHZ_DATA_DIR": "/data 100%"})

    # A URL is percent-decoded once more before the file is opened.
    assert ("sqlite:////data%20100%25/authz.db", Path("/data 100%/log")) == (
        settings.database_url,
        settings.log_folder,
    )


def test_all_problems_are_told_at_once() -> None:
    """Every wrong setting is named in one go, a mistyped one with the likely name."""
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_env(
            {
                "AUTHZ_DATABASE_URL": "mysql://db/authz",
                "AUTHZ_HOST": "",
                "AUTHZ_PORT": "eighty",
                "AUTHZ_WORKERS": "0",
                "AUTHZ_TRUSTED_PROXIES": "10.0.0.1/8, proxy",
                "AUTHZ_REQUESTS_PER_MINUTE": "many",
                "AUTHZ_MAX_BODY": "10",
                "AUTHZ_MAX_BATCH": "1001",
                "AUTHZ_PDP_ID": "http://authz.example",
                "AUTHZ_ORQUESTRA_GET": "maybe",
                "AUTHZ_POLICES": "policies",
                "AUTHZ_0": "1",
                "AUTHZ_GOVBR_API_URL": "http://api.acesso.gov.br",
                "AUTHZ_GOVBR_KEYS_HOURS": "0",
                "AUTHZ_CONFIRM_AT_SIGN_IN": "yes",
                "POLAR_LOG": "1",
            }
        )

    assert (
        "AUTHZ_0: is no setting",
        "AUTHZ_POLICES: is no setting; did you mean AUTHZ_POLICIES?",
        "POLAR_LOG: must not be set; oso would print the facts of decisions",
        "AUTHZ_DATABASE_URL: must begin with `sqlite:///` or `postgresql://`",
        "AUTHZ_PORT: must be a whole number from 1 to 65535",
        "AUTHZ_HOST: must not be empty",
        "AUTHZ_WORKERS: must be a whole number from 1 to 64",
        "AUTHZ_REQUESTS_PER_MINUTE: must be a whole number from 0 to 1000000",
        "AUTHZ_MAX_BODY: must be a whole number from 1024 to 1048576",
        "AUTHZ_MAX_BATCH: must be a whole number from 1 to 1000",
        "AUTHZ_PDP_ID: must be an https address without user, path, query or fragment",
        "AUTHZ_TRUSTED_PROXIES: `10.0.0.1/8` is no network",
        "AUTHZ_TRUSTED_PROXIES: `proxy` is no network",
        "AUTHZ_ORQUESTRA_GET: must be `on` or `off`",
        "AUTHZ_CONFIRM_AT_SIGN_IN: must be `on` or `off`",
        "AUTHZ_GOVBR_KEYS_HOURS: must be a whole number from 1 to 720",
        "AUTHZ_GOVBR_ISSUER: is needed, since sign-in is configured in part",
        "AUTHZ_GOVBR_AUDIENCE: is needed, since sign-in is configured in part",
        "AUTHZ_GOVBR_API_URL: must be an https address, without user, query or fragment",
    ) == caught.value.problems


@pytest.mark.parametrize(
    "url",
    [
        "https://authz.example/x",
        "https://authz.example?x",
        "https://authz.example#x",
        "https://user@authz.example",
        "https://",
        "https://[::1",
        "https://authz.example:port",
        "authz.example",
        "HTTPS://authz.example/\\x",
    ],
)
def test_what_names_the_decision_point_is_a_host_alone(url: str) -> None:
    """AuthZEN 1.0, 9.1, wants an https URL without query and fragment; tenants there are none."""
    with pytest.raises(SettingsInvalid, match="AUTHZ_PDP_ID"):
        Settings.from_env({"AUTHZ_PDP_ID": url})


def test_settings_that_are_printed_show_no_password() -> None:
    """The address of the database may hold one, so it stays out of every trace."""
    settings = Settings.from_env({"AUTHZ_DATABASE_URL": "postgresql://authz:secret@db/authz"})
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8080.0", "٨٠٨٠", "", " ", "1e3", "9" * 9])
def test_a_port_is_a_port(port: str) -> None:
    """Only a whole number from 1 to 65535, in plain digits, is a port."""
    with pytest.raises(SettingsInvalid, match="AUTHZ_PORT"):
        Settings.from_env({"AUTHZ_PORT": port})


PRODUCTION, STAGING = "https://sso.acesso.gov.br/", "https://sso.staging.acesso.gov.br/"


def govbr(issuer: str, **others: str) -> GovBrSettings | None:
    """Read the settings of one GOV.BR, *others* by the ends of their names."""
    named = {f"AUTHZ_GOVBR_{name.upper()}": text for name, text in others.items()}
    return Settings.from_env(
        {"AUTHZ_GOVBR_ISSUER": issuer, "AUTHZ_GOVBR_AUDIENCE": "inmetro", **named}
    ).govbr


@pytest.mark.parametrize(
    ("issuer", "jwks_url", "api_url"),
    [
        (PRODUCTION, "https://sso.acesso.gov.br/jwk", "https://api.acesso.gov.br"),
        (STAGING, "https://sso.staging.acesso.gov.br/jwk", "https://api.staging.acesso.gov.br"),
        ("https://login.example", "https://login.example/jwk", None),
        ("http://127.0.0.1:8081/", "http://127.0.0.1:8081/jwk", None),
        ("http://localhost:8081/", "http://localhost:8081/jwk", None),
        ("http://[::1]:8081/", "http://[::1]:8081/jwk", None),
    ],
)
def test_issuer_and_audience_are_enough(issuer: str, jwks_url: str, api_url: str | None) -> None:
    """Keys and API of GOV.BR's two environments are known; of another issuer, the keys."""
    assert GovBrSettings(issuer, "inmetro", jwks_url, api_url, 24) == govbr(issuer)


@pytest.mark.parametrize(
    ("missing", "given"),
    [
        ("ISSUER", "AUDIENCE"),
        ("ISSUER", "JWKS_URL"),
        ("ISSUER", "API_URL"),
        ("AUDIENCE", "ISSUER"),
        ("AUDIENCE", "JWKS_URL"),
        ("AUDIENCE", "API_URL"),
    ],
)
def test_sign_in_is_configured_as_a_whole_or_not_at_all(missing: str, given: str) -> None:
    """Whoever sets one of the four wants sign-in, which has no default issuer or audience."""
    texts = {"AUDIENCE": "inmetro"}
    environment = {f"AUTHZ_GOVBR_{given}": texts.get(given, PRODUCTION)}
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_env(environment)

    expected = f"AUTHZ_GOVBR_{missing}: is needed, since sign-in is configured in part"
    assert expected in caught.value.problems


@pytest.mark.parametrize(
    ("issuer", "others"),
    [
        (PRODUCTION, {"jwks_url": "https://sso.staging.acesso.gov.br/jwk"}),
        (PRODUCTION, {"api_url": "https://api.staging.acesso.gov.br"}),
        (PRODUCTION, {"jwks_url": "https://keys.example/jwk"}),
        (STAGING, {"jwks_url": "https://sso.acesso.gov.br/jwk"}),
        (STAGING, {"api_url": "https://api.acesso.gov.br."}),
        (STAGING, {"api_url": "https://API.ACESSO.GOV.BR"}),
        ("http://127.0.0.1:8081/", {"jwks_url": "https://sso.acesso.gov.br/jwk"}),
        ("http://127.0.0.1:8081/", {"api_url": "https://api.staging.acesso.gov.br"}),
        ("https://acesso.gov.br.example/", {"api_url": "https://api.acesso.gov.br"}),
        ("https://ssoacesso.gov.br/", {"api_url": "https://api.acesso.gov.br"}),
    ],
)
def test_environments_are_not_mixed(issuer: str, others: dict[str, str]) -> None:
    """Keys or companies of another environment than the issuer's are refused at the start."""
    with pytest.raises(SettingsInvalid, match="must be of one environment, but "):
        govbr(issuer, **others)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://sso.acesso.gov.br",
        "https://sso.staging.acesso.gov.br",
        "https://acesso.gov.br/",
        "https://sso.acesso.gov.br:8443/",
    ],
)
def test_the_issuer_of_govbr_is_exactly_that(issuer: str) -> None:
    """Without its slash no token would ever fit, so that it is told at the start."""
    with pytest.raises(SettingsInvalid, match="with its slash"):
        govbr(issuer)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example/",
        "http://10.0.0.1/",
        "http://localhost.example/",
        "ftp://127.0.0.1/",
        "https://",
        "https:///jwk",
        "https://user:secret@login.example/",
        "https://@login.example/",
        "https://login.example/?x=1",
        "https://login.example/#x",
        "https://login.example/a b",
        "https://login.example?",
        "https://login.example/#",
        "https://login.example/%6awk",
        "https://login.example\\jwk",
        "https://login.example/\x7f",
        "https://lógin.example/",
        "https://login.example:port/",
        "https://[::1/",
        "login.example",
    ],
)
@pytest.mark.parametrize("name", ["issuer", "jwks_url", "api_url"])
def test_only_an_address_over_tls_is_asked(name: str, url: str) -> None:
    """Nothing is asked in the clear but a simulator on the same machine."""
    with pytest.raises(SettingsInvalid, match=f"AUTHZ_GOVBR_{name.upper()}: must be an https"):
        govbr(**{"issuer": "https://login.example/", name: url})


def test_every_setting_is_documented_in_the_readme() -> None:
    """The table that ``authz settings`` prints is the one in the README."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

    assert table() in readme
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("0.0.0.0/0", "is everybody"),
        ("::/0", "is everybody"),
        ("::ffff:10.0.0.1", "never matches; write IPv4 as"),
        ("::ffff:10.0.0.0/104", "never matches; write IPv4 as"),
        ("::ffff:0:0/96", "never matches; write IPv4 as"),
    ],
)
def test_a_network_that_can_be_no_proxys_is_refused(network: str, said: str) -> None:
    """Whoever trusts everybody believes any address, and IPv4 is never met as IPv6."""
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_env({"AUTHZ_TRUSTED_PROXIES": f"10.0.0.5, {network}"})

    [problem] = caught.value.problems
    assert problem.startswith(f"AUTHZ_TRUSTED_PROXIES: `{network}` {said}")


def test_a_large_network_may_be_that_of_proxies() -> None:
    """What is refused is everybody, and not much."""
    networks = ("0.0.0.0/1", "::/1", "::fffe:0:0/96")
    settings = Settings.from_env({"AUTHZ_TRUSTED_PROXIES": ",".join(networks)})

    assert networks == tuple(map(str, settings.trusted_proxies))


def test_what_decisions_rest_on_and_go_into_is_set_in_plain_words() -> None:
    """Freshness and the log have settings of their own, read exactly as they are said."""
    settings = Settings.from_env(
        {
            "AUTHZ_DATABASE_URL": "postgresql://db/authz",
            "AUTHZ_SERVER": "Granian",
            "AUTHZ_FRESHNESS": "notified",
            "AUTHZ_STALE_SECONDS": "5",
            "AUTHZ_HELD_QUESTIONS": "50",
            "AUTHZ_CLOCK_TOLERANCE_SECONDS": "10",
            "AUTHZ_LOG_SYNC": "strict",
            "AUTHZ_LOG_FAILURE": "lose",
            "AUTHZ_LOG_SEGMENT_MB": "2",
            "AUTHZ_LOG_HEADS_SECONDS": "30",
            "AUTHZ_LOG_KEEP_DECISIONS_DAYS": "365",
            "AUTHZ_LOG_KEEP_ACTS_DAYS": "0",
        }
    )

    assert (
        "granian",
        FreshnessSettings(
            notified=True, stale_seconds=5, held=50, clock_tolerance=timedelta(seconds=10)
        ),
        LogSettings(
            strict=True,
            lose=True,
            segment_bytes=2 * 1024 * 1024,
            heads_seconds=30,
            keep_decisions_days=365,
            keep_acts_days=0,
        ),
    ) == (settings.server, settings.freshness, settings.log)


def test_what_they_cannot_be_is_told() -> None:
    """A word that is none, a number out of bounds, a database that cannot tell: all refused."""
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_env(
            {
                "AUTHZ_SERVER": "gunicorn",
                "AUTHZ_FRESHNESS": "notified",
                "AUTHZ_LOG_SYNC": "off",
                "AUTHZ_LOG_FAILURE": "ignore",
                "AUTHZ_LOG_HEADS_SECONDS": "0",
            }
        )

    assert (
        "AUTHZ_LOG_HEADS_SECONDS: must be a whole number from 1 to 3600",
        "AUTHZ_SERVER: must be `waitress` or `granian`",
        "AUTHZ_LOG_SYNC: must be `default` or `strict`",
        "AUTHZ_LOG_FAILURE: must be `refuse` or `lose`",
        "AUTHZ_FRESHNESS: `notified` is for PostgreSQL, which can tell",
    ) == caught.value.problems
