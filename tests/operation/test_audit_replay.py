"""`authz audit replay`: decisions of a real log, made again by whatever policy."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authz_service.bootstrap import Service, build
from authz_service.cli import audit_replay
from authz_service.domain.decision import Caller, Impossible, ProcessAsked, Question
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from authz_service.policy.live.content import look_into
from authz_service.settings import Settings
from authz_service.usecases.records import Sought
from tests.operation.house import ROOT, environment, furnish

RENOUNCE = Question(
    Cpf.parse("72268402517"),
    "renounce",
    ProcessAsked(ProcessName("P001"), Cnpj.parse("52420282000180")),
    actor_evidence=Evidence.GOVBR,
)
IN_FORCE = 'process.delegation.state = "in_force"'
SAME, DIFFERS, CANNOT = 0, 1, 2


@pytest.fixture(name="home")
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, text in environment(AUTHZ_DATA_DIR="var").items():
        monkeypatch.setenv(name, text)
    return tmp_path


@pytest.fixture(name="service")
def _service(home: Path) -> Iterator[Service]:
    built = build(Settings.from_env(environment(AUTHZ_DATA_DIR=str(home / "var"))))
    built.watcher.begin()
    yield built
    built.close()


def replayed(*arguments: str) -> int:
    """Run the verb."""
    parser = argparse.ArgumentParser()
    audit_replay.add_to(parser.add_subparsers(required=True))
    options = parser.parse_args(["replay", *arguments])
    return int(options.run(options))


def decided(service: Service, question: Question | Impossible = RENOUNCE) -> str:
    """Decide, and give the id of the record."""
    return service.point.decide(question, Caller("orquestra")).id


def rewrite(folder: Path, old: str, new: str) -> None:
    """Put another text into the file about delegating."""
    path = folder / "delegating.polar"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_decision_is_the_same_again(
    service: Service, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the policy that was in force then, though another is now; a person reads why."""
    record = decided(service)
    digest = look_into(home / "policies").policy
    rewrite(home / "policies", "# A member gives up", "# A member may give up")
    service.watcher.begin()
    assert digest != service.policy.current().digest

    assert SAME == replayed(record)

    told = capsys.readouterr()
    expected = rf"""record    {record} of \S+Z
decided   denied: no-permit
          by policy {digest}
replayed  denied: no-permit
          by the same policy {digest}

SAME
"""
    assert re.fullmatch(expected, told.out)
    assert "" == told.err


def test_what_another_policy_would_have_said(
    service: Service, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It differs, or asks what nobody looked at, and says what."""
    record = decided(service)
    generous, curious = home / "generous", home / "curious"
    for folder in (generous, curious):
        folder.mkdir()
        for path in (ROOT / "policies").glob("*"):
            if not path.name.endswith("_test.toml"):
                (folder / path.name).write_bytes(path.read_bytes())
    rewrite(generous, IN_FORCE, 'process.delegation.state = "none"')
    rewrite(curious, IN_FORCE, f"{IN_FORCE} or process.version = 7")

    assert DIFFERS == replayed(record, "--policies", str(generous), "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert ("differs", ["decision", "reasons"]) == (found["outcome"], found["differing"])
    assert (record, False, True) == (
        found["record"],
        found["then"]["decision"],
        found["now"]["decision"],
    )
    assert look_into(generous).policy == found["now"]["policy"] != found["then"]["policy"]

    assert CANNOT == replayed(record, "--policies", str(curious))
    out = capsys.readouterr().out
    assert "replayed  allowed or denied: for reasons that cannot be told" in out
    assert out.endswith(
        "CANNOT BE TOLD from the evidence\n"
        "    the rules also ask for\n"
        "        process.version = 7\n"
    )


def test_a_question_that_no_rule_is_asked_is_the_same_by_any_policy(
    service: Service, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An impossible question stays one; no policy has to be found for it."""
    record = decided(service, Impossible("open", "invalid-identifier"))
    for path in (home / "var" / "policy" / "archive").iterdir():
        path.unlink()

    assert SAME == replayed(record)

    assert "before any rule is asked, so by whatever policy" in capsys.readouterr().out


def test_what_cannot_be_made_again_says_why(
    service: Service, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No record, one of an act, a policy that is gone, damaged, or that never was one."""
    record = decided(service)
    assert CANNOT == replayed("0" * 32)
    assert "there is no such record" in capsys.readouterr().err

    act = service.decisions.search(Sought(kind="act"), None, 1).page.items[0]
    assert CANNOT == replayed(act["id"])
    assert "it is the record of an act" in capsys.readouterr().err

    assert CANNOT == replayed(record, "--policies", "nowhere")
    assert "there is no policy folder of this name" in capsys.readouterr().err

    [kept] = (home / "var" / "policy" / "archive").iterdir()
    kept.write_text("{}")
    assert CANNOT == replayed(record)
    assert "the policy that was kept is damaged" in capsys.readouterr().err

    kept.unlink()
    (home / "var" / "policy" / "last-good.json").unlink()
    assert SAME == replayed(record)
    rewrite(home / "policies", "# A member gives up", "# A member may give up")
    capsys.readouterr()
    assert CANNOT == replayed(record)
    assert f"the policy {kept.stem} that decided is neither kept in" in capsys.readouterr().err


def test_what_is_no_id_is_no_record(
    service: Service, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing mistake is told like a record that is not there, and is no other decision."""
    assert CANNOT == replayed("nope")
    assert "there is no such record" in capsys.readouterr().err
