"""Settings come from the environment, are complete or refused, and are documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from authz_service.domain.errors import SettingsInvalid
from authz_service.settings import SETTINGS, Settings, table


def test_nothing_needs_to_be_set() -> None:
    """Without any setting the service serves here, for this machine only, and never by GET."""
    assert Settings(
        data_dir=Path("var"),
        database_url="sqlite:///var/authz.db",
        policies=Path("policies"),
        host="127.0.0.1",
        port=8080,
        orquestra_get=False,
    ) == Settings.from_env({"PATH": "/bin"})


def test_everything_can_be_set() -> None:
    """Each setting has its effect."""
    assert Settings(
        data_dir=Path("/srv/authz"),
        database_url="sqlite:////srv/other.db",
        policies=Path("rules"),
        host="0.0.0.0",  # noqa: S104 - only read, not listened on
        port=443,
        orquestra_get=True,
    ) == Settings.from_env(
        {
            "AUTHZ_DATA_DIR": "/srv/authz",
            "AUTHZ_DATABASE_URL": "sqlite:////srv/other.db",
            "AUTHZ_POLICIES": " rules ",
            "AUTHZ_HOST": "0.0.0.0",  # noqa: S104 - only read, not listened on
            "AUTHZ_PORT": "443",
            "AUTHZ_ORQUESTRA_GET": "ON",
        }
    )


def test_the_database_and_the_log_follow_the_data_folder() -> None:
    """Who moves the data folder moves database and log with it."""
    settings = Settings.from_env({"AUTHZ_DATA_DIR": "/data 100%"})

    # A URL is percent-decoded once more before the file is opened.
    assert ("sqlite:////data%20100%25/authz.db", Path("/data 100%/decisions.jsonl")) == (
        settings.database_url,
        settings.decision_log,
    )


def test_all_problems_are_told_at_once() -> None:
    """Every wrong setting is named in one go, a mistyped one with the likely name."""
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_env(
            {
                "AUTHZ_DATABASE_URL": "postgresql://db/authz",
                "AUTHZ_HOST": "",
                "AUTHZ_POLICIES": " ",
                "AUTHZ_PORT": "eighty",
                "AUTHZ_ORQUESTRA_GET": "maybe",
                "AUTHZ_POLICES": "policies",
                "AUTHZ_0": "1",
                "POLAR_LOG": "1",
            }
        )

    assert (
        "AUTHZ_0: is no setting",
        "AUTHZ_POLICES: is no setting; did you mean AUTHZ_POLICIES?",
        "POLAR_LOG: must not be set; oso would print the facts of decisions",
        "AUTHZ_DATABASE_URL: must begin with `sqlite:///`",
        "AUTHZ_PORT: must be a whole number from 1 to 65535",
        "AUTHZ_HOST: must not be empty",
        "AUTHZ_POLICIES: must not be empty",
        "AUTHZ_ORQUESTRA_GET: must be `on` or `off`",
    ) == caught.value.problems


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8080.0", "٨٠٨٠", "", " ", "1e3", "9" * 9])
def test_a_port_is_a_port(port: str) -> None:
    """Only a whole number from 1 to 65535, in plain digits, is a port."""
    with pytest.raises(SettingsInvalid, match="AUTHZ_PORT"):
        Settings.from_env({"AUTHZ_PORT": port})


def test_every_setting_is_documented_in_the_readme() -> None:
    """The table that ``authz settings`` prints is the one in the README."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

    assert table() in readme
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)
