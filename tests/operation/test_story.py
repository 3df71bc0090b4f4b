"""The story of Inmetro's document, as the README tells it, on a running service."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from authz_service import demo
from tests.journal.test_lines import SCHEMA
from tests.operation.house import ROOT, Running, free_port, furnish

STEPS = [said for said, _line in demo.walk(Path("var"), 8080)]


@pytest.fixture(scope="module", name="told")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start the demo, run the lines that it prints, and give each line's output by its comment."""
    home = tmp_path_factory.mktemp("demo")
    furnish(home)
    running = Running(home, "demo", "--port", str(free_port()))
    try:
        printed = running.out.read_text().split("\n\n")[0]
        answers = {}
        for comment, line in re.findall(r"^# (.*)\n(.*)$", printed, re.MULTILINE):
            done = subprocess.run(
                ["bash", "-c", line], cwd=home, capture_output=True, text=True, check=True
            )
            answers[comment] = done.stdout
        answers["home"] = str(home)
        yield answers
        assert 0 == running.stop()
    finally:
        running.kill()


def decided(told: dict[str, str]) -> list[tuple[bool, str]]:
    """Give the flat answers of the walk, in order."""
    found = [json.loads(text) for text in told.values() if text.startswith('{"permitido"')]
    return [(one["permitido"], one["codigo"]) for one in found]


def test_the_readme_shows_the_lines_that_are_printed() -> None:
    """What a reader pastes is what the demo prints with its defaults."""
    readme = (ROOT / "README.md").read_text("utf-8")

    assert f"```sh\n{demo.script(Path('var'), 8080)}\n```" in readme


def test_every_line_answers(told: dict[str, str]) -> None:
    """Each step of the walk has an output, and none is an error."""
    assert {*STEPS, "home"} == set(told)
    assert all(text.strip() for text in told.values())
    assert not [text for text in told.values() if '"status":4' in text or '"status":5' in text]


def test_denied_delegated_allowed_replaced_denied(told: dict[str, str]) -> None:
    """The member may open what is in the set, when it is in the set, and nothing else."""
    assert [
        (False, "SEM_PERMISSAO"),
        (True, "DELEGADO"),
        (False, "SEM_PERMISSAO"),
        (False, "SEM_PERMISSAO"),
    ] == decided(told)
    assert {"decision": True} == json.loads(told["The same kind of question in OpenID AuthZEN."])


def test_a_denial_says_what_is_missing_and_who_can_grant_it(told: dict[str, str]) -> None:
    """The message is Portuguese, and names a role and no person."""
    message = json.loads(told[STEPS[1]])["mensagem"]

    for said in ("falta uma delegação vigente", "sócio ou representante legal", "SGCI", "P001"):
        assert said in message
    assert not re.search(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-|[0-9]{11}", message)


def test_three_of_ten_then_two(told: dict[str, str]) -> None:
    """The whole set is replaced: three are in force first, two of them afterwards."""
    sets = [
        [one["process"] for one in json.loads(text)["delegations"]]
        for text in told.values()
        if text.startswith('{"delegations"')
    ]

    assert [
        ["p001-acreditacao-inicial-de-organismos", "p015-acreditacao-inicial", "p061-registro"],
        ["p001-acreditacao-inicial-de-organismos", "p061-registro"],
    ] == sets


def test_each_answer_is_counted(told: dict[str, str]) -> None:
    """The metrics tell what was asked and answered."""
    counted = told["Each answer has been counted ..."]

    for sample in (
        'action="open",decision="deny",reason="no-permit"} 3.0',
        'action="open",decision="allow",reason="delegated"} 2.0',
        'action="delegate",decision="allow",reason="represents"} 5.0',
        'action="revoke",decision="allow",reason="represents"} 1.0',
    ):
        assert sample in counted


def test_each_answer_is_in_the_log(told: dict[str, str]) -> None:
    """Every decision stands in the log under the id that was answered; nobody's CPF does."""
    text = (Path(told["home"]) / "var" / "decisions.jsonl").read_text("utf-8")
    records = [json.loads(line) for line in text.splitlines()]
    for record in records:
        jsonschema.validate(record, SCHEMA)

    answered = [json.loads(one)["decisao_id"] for one in told.values() if "decisao_id" in one]
    assert set(answered) <= {record["id"] for record in records}
    assert 4 == len(answered)
    for cpf in (demo.MEMBER, demo.REPRESENTATIVE):
        assert cpf not in text
        assert f"{cpf[:3]}.{cpf[3:6]}" not in text
        assert f"{cpf[3:6]}.{cpf[6:9]}" not in text


def test_the_application_log_has_nobody_in_it(told: dict[str, str]) -> None:
    """Operators' logs are JSON lines without a CPF and without the key."""
    home = Path(told["home"])
    text = (home / "stderr.txt").read_text("utf-8")
    key = (home / "var" / "demo.header").read_text("utf-8").split()[-1]

    assert all(json.loads(line)["message"] for line in text.splitlines())
    for secret in (demo.MEMBER, demo.REPRESENTATIVE, key):
        assert secret not in text


def test_the_key_is_its_owners(told: dict[str, str]) -> None:
    """The demo's key lies in a file that nobody else can read, and is not printed."""
    home = Path(told["home"])
    header = home / "var" / "demo.header"

    assert 0o600 == stat.S_IMODE(header.stat().st_mode)
    assert header.read_text().split()[-1] not in (home / "stdout.txt").read_text()


def test_the_story_can_be_told_again(tmp_path: Path) -> None:
    """Starting the demo again takes the story back, keeps the history, and changes the key."""
    furnish(tmp_path)
    keys = []
    for _round in range(2):
        running = Running(tmp_path, "demo", "--port", str(free_port()))
        try:
            key = (tmp_path / "var" / "demo.header").read_text().split()[-1]
            keys.append(key)
            ask = {
                "cpf": demo.MEMBER,
                "cnpj": demo.COMPANY,
                "processo": "P001",
                "acao": "iniciar",
            }
            wish = {
                "actor": demo.REPRESENTATIVE,
                "company": demo.COMPANY,
                "member": demo.MEMBER,
                "processes": "all",
            }
            before = running.send("POST", "/v1/orquestra/decisao", ask, key=key).json
            given = running.send("PUT", "/v1/delegations", wish, key=key).json
            after = running.send("POST", "/v1/orquestra/decisao", ask, key=key).json
            assert (False, 10, True) == (
                before["permitido"],
                len(given["delegations"]),
                after["permitido"],
            )
            if len(keys) == 2:
                assert 401 == running.send("GET", "/metrics", key=keys[0]).status
        finally:
            running.kill()
