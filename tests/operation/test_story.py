"""The story of Inmetro's document, as the README tells it, on a running service."""

from __future__ import annotations

import json
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from authz_service import demo
from tests import written
from tests.govbr.__main__ import sign_in_command
from tests.govbr.client import Client
from tests.govbr.people import People
from tests.journal.test_lines import SCHEMA
from tests.operation.house import GOVBR, ROOT, Running, environment, free_port, furnish

README_COMMAND = ".venv/bin/python -m tests.govbr sign-in"
SIGNED = [said for said, _line in demo.walk(Path("var"), 8080, README_COMMAND)]
ASSERTED = [said for said, _line in demo.walk(Path("var"), 8080, None)]
SIGNED_IN = ("representante", "membro", "socio-sem-certificado")
JWT = re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")


@dataclass
class Told:
    """
    A story that was told to its end.

    Attributes:
        home: the folder it was told in.
        answers: what each line of the walk printed, by its comment.
        metrics: the metrics at its end.
        tokens: two that were brought besides, an access_token and its id_token.
    """

    home: Path
    answers: dict[str, str]
    metrics: str = ""
    tokens: tuple[str, ...] = ()

    @property
    def flat(self) -> list[tuple[bool, str]]:
        """The flat answers of the walk, in order."""
        found = [json.loads(one) for one in self.answers.values() if one[:12] == '{"permitido"']
        return [(one["permitido"], one["codigo"]) for one in found]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The decision log."""
        return written.records(self.home / "var")


@contextmanager
def demonstration(
    home: Path, *, signing_in: bool = True, ending: signal.Signals = signal.SIGTERM
) -> Iterator[Running]:
    """Serve the demo in *home*, and see one signal end it, the simulator as well."""
    port = str(_two_free_ports())
    running = (
        Running(home, "demo", "--port", port, program=GOVBR)
        if signing_in
        else Running(home, "demo", "--port", port)
    )
    try:
        yield running
    finally:
        # Not killed: the simulator's process would leave the service behind.
        running.process.send_signal(ending)
        code = running.process.wait(timeout=40)
    assert (0, True, True) == (code, _free(running.port), _free(running.port + 1))


def _free(port: int) -> bool:
    """Tell whether nobody listens on *port*."""
    with socket.socket() as probe:
        return 0 != probe.connect_ex(("127.0.0.1", port))


def _two_free_ports() -> int:
    """Give a port on which nobody listens, nor on the next one."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def walk(home: Path, running: Running) -> dict[str, str]:
    """Run the lines that the demo printed, as they are, and give what each printed."""
    answers = {}
    for comment, line in re.findall(r"^# (.*)\n(.*)$", running.out.read_text(), re.MULTILINE):
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=home,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        answers[comment] = done.stdout
    return answers


@pytest.fixture(scope="module", name="told")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Tell the story with sign-ins, and let the sócia without a certificate sign in besides."""
    home = tmp_path_factory.mktemp("demo")
    furnish(home)
    with demonstration(home) as running:
        told = Told(home, walk(home, running))
        key = (home / "var" / "demo.header").read_text().split()[-1]
        govbr = Client(f"http://127.0.0.1:{running.port + 1}")
        tokens = govbr.sign_in(SIGNED_IN[-1], "senha")
        brought = running.send("POST", "/v1/identities", json.loads(tokens.as_json()), key=key)
        assert 201 == brought.status
        told.tokens = (tokens.access_token, tokens.id_token)
        told.metrics = running.send("GET", "/metrics", key=key).body.decode()
    return told


def test_the_readme_shows_the_lines_that_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader pastes is what ``make run`` prints with its defaults."""
    readme = (ROOT / "README.md").read_text("utf-8")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "executable", str(ROOT / ".venv" / "bin" / "python"))

    assert README_COMMAND == sign_in_command(8080)
    assert f"```sh\n{demo.script(Path('var'), 8080, README_COMMAND)}\n```" in readme


def test_every_line_answers(told: Told) -> None:
    """Each step of the walk has an output, and none is an error."""
    assert SIGNED == list(told.answers)
    assert all(text.strip() for text in told.answers.values())
    assert not [one for one in told.answers.values() if '"status":4' in one or '"status":5' in one]


def test_a_sign_in_says_who_is_what(told: Told) -> None:
    """GOV.BR says that the representative is a partner; nobody asserts anything."""
    signed = json.loads(told.answers[SIGNED[0]])
    [standing] = signed["standing"]

    assert ("certificate", "device", demo.COMPANY, "gold", "observed", []) == (
        signed["method"],
        signed["certificate"],
        signed["certificate_company"],
        signed["level"],
        signed["companies"],
        signed["notes"],
    )
    assert (demo.COMPANY, "socio", "govbr", True, True) == (
        standing["company"],
        standing["role"],
        standing["evidence"],
        standing["cadastrador"],
        standing["in_force"],
    )
    assert not [one for one in told.records if str(one.get("act")).endswith(".assert")]


def test_the_member_registers_by_signing_in(told: Told) -> None:
    """Registered by the first sign-in, in no company, and confirmed by Orquestra after it."""
    signed = json.loads(told.answers[SIGNED[2]])
    confirmed = json.loads(told.answers[SIGNED[3]])

    assert ("password", []) == (signed["method"], signed["standing"])
    assert signed["person"]["registered_at"]
    assert signed["person"]["confirmed_at"] is None
    assert confirmed["confirmed_at"]


def test_denied_delegated_allowed_replaced_denied(told: Told) -> None:
    """The member may open what is in the set, when it is in the set, and nothing else."""
    assert [
        (False, "SEM_PERMISSAO"),
        (True, "DELEGADO"),
        (False, "SEM_PERMISSAO"),
        (False, "SEM_PERMISSAO"),
    ] == told.flat
    asked = told.answers["The same kind of question in OpenID AuthZEN."]
    assert {"decision": True} == json.loads(asked)


def test_a_denial_says_what_is_missing_and_who_can_grant_it(told: Told) -> None:
    """The message is Portuguese, and names a role and no person."""
    message = json.loads(told.answers[SIGNED[1]])["mensagem"]

    for said in (
        "membro confirmado com delegação vigente",
        "sócio ou representante legal",
        "SGCI",
        "P001",
    ):
        assert said in message
    assert not re.search(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-|[0-9]{11}", message)


def test_three_of_ten_then_two(told: Told) -> None:
    """The whole set is replaced: three are in force first, two of them afterwards."""
    sets = [
        [one["process"] for one in json.loads(text)["delegations"]]
        for text in told.answers.values()
        if text.startswith('{"delegations"')
    ]

    assert [
        ["p001-acreditacao-inicial-de-organismos", "p015-acreditacao-inicial", "p061-registro"],
        ["p001-acreditacao-inicial-de-organismos", "p061-registro"],
    ] == sets


def test_each_answer_is_counted(told: Told) -> None:
    """The metrics tell what was asked and answered, and how GOV.BR was."""
    counted = told.answers["Each answer has been counted ..."]

    for sample in (
        'action="open",decision="deny",reason="no-permit"} 3.0',
        'action="open",decision="allow",reason="delegated"} 2.0',
        'action="delegate",decision="allow",reason="represents"} 5.0',
        'action="revoke",decision="allow",reason="represents"} 1.0',
    ):
        assert sample in counted
    # Three lists, and the roles of two partners in one company each.
    assert 'authz_govbr_companies_calls_total{outcome="ok"} 5.0' in told.metrics
    assert 'authz_govbr_key_refreshes_total{outcome="ok"} 1.0' in told.metrics
    assert "authz_govbr_refused_tokens_total{" not in told.metrics


def test_each_answer_is_in_the_log(told: Told) -> None:
    """Every decision stands in the log under the id that was answered; nobody's CPF does."""
    records = told.records
    for record in records:
        jsonschema.validate(record, SCHEMA)

    answered = [
        json.loads(one)["decisao_id"] for one in told.answers.values() if "decisao_id" in one
    ]
    assert set(answered) <= {record["id"] for record in records}
    assert 4 == len(answered)
    text = written.text(told.home / "var")
    for cpf in (demo.MEMBER, demo.REPRESENTATIVE):
        assert cpf not in text
        assert f"{cpf[:3]}.{cpf[3:6]}" not in text
        assert f"{cpf[3:6]}.{cpf[6:9]}" not in text


def test_sign_ins_and_what_they_prove_are_in_the_log(told: Told) -> None:
    """Each sign-in is an act, and what is delegated tells how GOV.BR proved who did it."""
    acts = [one for one in told.records if one["kind"] == "act"]
    sign_ins = [one["details"] for one in acts if one["act"] == "sign_in"]
    delegated = [one["details"] for one in acts if one["act"] == "delegation.replace"]

    assert [
        ("certificate", demo.COMPANY, [f"{demo.COMPANY}:socio"]),
        ("password", None, []),
        ("password", None, [f"{demo.COMPANY}:socio"]),
    ] == [(one["method"], one["certificate_company"], one["standing"]) for one in sign_ins]
    # Whoever signs in has registered by that; Orquestra confirms, and no sign-in does.
    assert [(True, False, False, [])] * 3 == [
        (one["registers"], one["confirms"], one["second_factor"], one["notes"]) for one in sign_ins
    ]
    # By a fresh token, which was not brought as a sign-in: there is none to name.
    assert [("govbr", None, "certificate")] * 2 == [
        (one["actor_evidence"], one["sign_in"], one["method"]) for one in delegated
    ]
    assert 1 == len([one for one in acts if one["act"] == "person.confirm"])


def test_a_sign_in_is_in_the_log_with_its_times(told: Told) -> None:
    """When the person authenticated and until when it counts, as it was answered."""
    sign_ins = [one["details"] for one in told.records if one.get("act") == "sign_in"]
    answered = [json.loads(told.answers[step]) for step in (SIGNED[0], SIGNED[2])]

    for name in ("authenticated_at", "ends_at"):
        assert [datetime.fromisoformat(one[name]) for one in answered] == [
            datetime.fromisoformat(one[name]) for one in sign_ins[:2]
        ]


def test_no_token_is_kept_anywhere(told: Told) -> None:
    """No file holds a token, claims, signature, name, e-mail or phone of whoever signed in."""
    files = {one: one.read_bytes() for one in told.home.rglob("*") if one.is_file()}
    parts = [part.encode() for token in told.tokens for part in token.split(".")[1:]]
    contacts = [
        text.encode()
        for account in map(People(datetime.now(UTC)).find, SIGNED_IN)
        for text in (account.email, account.phone, account.full_name)
        if text is not None
    ]

    assert all(JWT.fullmatch(token.encode()) for token in told.tokens)
    assert {"authz.db", "00000001.jsonl", "stderr.txt"} <= {one.name for one in files}
    for file, content in files.items():
        assert JWT.search(content) is None, file
        assert not [part for part in (*parts, *contacts) if part in content], file


def test_the_application_log_has_nobody_in_it(told: Told) -> None:
    """Operators' logs are JSON lines without a CPF and without the key."""
    text = (told.home / "stderr.txt").read_text("utf-8")
    key = (told.home / "var" / "demo.header").read_text("utf-8").split()[-1]
    handles = [json.loads(told.answers[step])["sign_in"] for step in (SIGNED[0], SIGNED[2])]

    assert all(json.loads(line)["message"] for line in text.splitlines())
    for secret in (demo.MEMBER, demo.REPRESENTATIVE, key, *handles):
        assert secret not in text


def test_the_key_is_its_owners(told: Told) -> None:
    """The demo's key lies in a file that nobody else can read, and is not printed."""
    header = told.home / "var" / "demo.header"

    assert 0o600 == stat.S_IMODE(header.stat().st_mode)
    assert header.read_text().split()[-1] not in (told.home / "stdout.txt").read_text()


def test_the_key_may_assert_nothing(told: Told) -> None:
    """The story with sign-ins needs nobody's word for who is what, or for who acts."""
    [made] = [one["details"] for one in told.records if one.get("act") == "client.key"]

    assert sorted(demo.SIGNING_IN.scopes) == made["scopes"]
    assert not [scope for scope in made["scopes"] if scope.endswith(":assert")]


@pytest.mark.soak
def test_the_story_can_be_told_again(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """
    In either form, after the other: it goes back to its beginning, with another key.

    Without a simulator, by ``authz demo`` alone, a caller asserts the same story. What is sent to
    the one program that was started ends it, with exit code 0, whichever signal it is. The long
    form tells it in each form after each.
    """
    furnish(tmp_path)
    keys: list[str] = []
    long = pytestconfig.getoption("--soak")
    for signing_in in (False, False, True, True, False) if long else (False, True):
        ending = signal.SIGINT if signing_in else signal.SIGTERM
        with demonstration(tmp_path, signing_in=signing_in, ending=ending) as running:
            told = Told(tmp_path, walk(tmp_path, running))
            keys.append((tmp_path / "var" / "demo.header").read_text().split()[-1])
            statuses = [running.send("GET", "/metrics", key=key).status for key in keys]

        assert [False, True, False, False] == [permitted for permitted, _code in told.flat]
        assert [*[401] * (len(keys) - 1), 200] == statuses
        assert (SIGNED if signing_in else ASSERTED) == list(told.answers)
        if not signing_in:
            assert "asserted" == json.loads(told.answers[ASSERTED[0]])["evidence"]


def test_a_taken_port_of_the_service_ends_both(tmp_path: Path) -> None:
    """In one line, with the exit code of the service."""
    furnish(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", _two_free_ports()))
        taken.listen()
        done = subprocess.run(
            [*GOVBR, "demo", "--port", str(taken.getsockname()[1])],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert 1 == done.returncode
    [line] = done.stderr.splitlines()
    assert "in use" in line
