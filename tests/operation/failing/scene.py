"""A service whose database may fail, those who ask it, and another way to its database."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from authz_service.bootstrap import Service, build
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Role
from authz_service.settings import Settings
from authz_service.usecases.acts import OPERATOR
from tests.operation.failing.wire import Wire
from tests.operation.house import FEW, Answer, Running, free_port, furnish
from tests.postgres import Postgres

COMPANY, SOCIO, MEMBER = "52420282000180", "72268402517", "18762794604"
CSV = "code,title,version\nP001,Acreditação Inicial,3\nP015,Alterações,2\nP061,Registro,2\n"
SCOPES = (
    "decide",
    "delegations",
    "actor:assert",
    "standing:assert",
    "people:read",
    "metrics",
)
AT_ONCE = 12
"""More callers than a worker has threads."""
BACK_WITHIN = 30.0
"""How many seconds after the end of a fault the service has to be well again, by itself."""


def _asking(person: str, process: str) -> tuple[str, str, object]:
    question = {
        "subject": {"type": "person", "id": person},
        "action": {"name": "open"},
        "resource": {"type": "process", "id": process, "properties": {"cnpj": COMPANY}},
    }
    return "POST", "/access/v1/evaluation", question


def _asking_flat(person: str, process: str) -> tuple[str, str, object]:
    body = {"cpf": person, "cnpj": COMPANY, "processo": process, "acao": "iniciar"}
    return "POST", "/v1/orquestra/decisao", body


def _asking_many(person: str, process: str) -> tuple[str, str, object]:
    return "POST", "/access/v1/evaluations", {"evaluations": [_asking(person, process)[2]] * 3}


FORMS = (_asking, _asking_flat, _asking_many)
"""The ways to ask for a decision."""


def decision_of(answer: Answer) -> bool:
    """Give what was decided, whichever way it was asked."""
    found = answer.json
    if "evaluations" in found:
        [only] = {one["decision"] for one in found["evaluations"]}
        return bool(only)
    return bool(found["permitido"] if "permitido" in found else found["decision"])


@dataclass(frozen=True)
class Heard:
    """
    What one caller heard.

    Attributes:
        answer: the answer.
        seconds: how long it took.
    """

    answer: Answer
    seconds: float

    @property
    def refusal(self) -> tuple[int, bool, bool]:
        """Give the status, whether it says when to come again, and whether it decides anything."""
        headers = {name.lower(): text for name, text in self.answer.headers.items()}
        decides = bool(self.answer.json.keys() & {"decision", "evaluations", "permitido"})
        return self.answer.status, int(headers.get("retry-after", "0")) > 0, decides


REFUSED = (503, True, False)
"""What a caller hears who is not answered: see ``Heard.refusal``."""


class Scene:
    """
    One service: a partner of a company, and a member to whom P001 is delegated.

    Attributes:
        folder: where it runs.
        service: the service.
        key: a key that may do all that is done here.
    """

    def __init__(self, folder: Path, url: str | None, around: str | None, **settings: str) -> None:
        """
        Fill the database and serve.

        Args:
            folder: where it is to run.
            url: the database as the service reaches it, None for a file in *folder*.
            around: the same database by another way.
            settings: of the service.
        """
        self.folder = folder
        self._around = around or f"sqlite:///{folder}/var/authz.db"
        named = {} if around is None else {"AUTHZ_DATABASE_URL": around}
        self.key = furnish(folder, CSV, {"tests": SCOPES}, policies=FEW, **named)["tests"]
        self._settings = {**settings, **({} if url is None else {"AUTHZ_DATABASE_URL": url})}
        self.service = self.serve()
        self.back_to_the_beginning()

    def serve(self) -> Running:
        """Start the service, once more if it has been stopped."""
        return Running(self.folder, AUTHZ_PORT=str(free_port()), **self._settings)

    def back_to_the_beginning(self) -> None:
        """Have the partner be one, and the member have what is delegated."""
        self.assert_role("socio")
        said = {"cpf": MEMBER, "registered": True, "confirmed": True}
        assert 200 == self.send("POST", "/v1/people", said).answer.status
        assert 200 == self.delegate("P001").answer.status

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Heard:
        """Send one request on a connection of its own."""
        began = time.monotonic()
        answer = self.service.send(method, path, body, key=self.key, headers=headers)
        return Heard(answer, time.monotonic() - began)

    def ask(self, person: str = MEMBER, process: str = "P001", form: int = 0) -> Heard:
        """Ask whether somebody may open a process."""
        return self.send(*FORMS[form % len(FORMS)](person, process))

    def ask_at_once(self, count: int = AT_ONCE) -> list[Heard]:
        """Ask about the member in every form, all at the same moment."""
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda form: self.ask(form=form), range(count)))

    def assert_role(self, role: str) -> None:
        """Say through the service what the partner is."""
        body = {"cpf": SOCIO, "company": COMPANY, "role": role}
        assert 200 == self.send("POST", "/v1/standing", body).answer.status

    def delegate(self, *processes: str) -> Heard:
        """Make these the whole of what is delegated to the member."""
        body = {
            "actor": SOCIO,
            "company": COMPANY,
            "member": MEMBER,
            "processes": list(processes),
        }
        return self.send("PUT", "/v1/delegations", body)

    def delegated(self) -> set[str]:
        """Give the codes of what the member may open now."""
        codes = ("P001", "P015", "P061")
        return {code for code in codes if decision_of(self.ask(process=code).answer)}

    def unregister_around(self) -> None:
        """Take the member's registration away, in another process's way to the database."""
        with closing(self._other()) as other:
            other.registrar.person(
                Cpf.parse(MEMBER), registered=False, confirmed=False, caller=OPERATOR
            )

    def role_around(self, role: Role) -> None:
        """Say what the partner is, in another process's way to the database."""
        with closing(self._other()) as other:
            company, person = Cnpj.parse(COMPANY), Cpf.parse(SOCIO)
            other.registrar.standing(company, person, role, None, OPERATOR)

    def _other(self) -> Service:
        places = {
            "AUTHZ_DATA_DIR": str(self.folder / "elsewhere"),
            "AUTHZ_POLICIES": str(self.folder / "policies"),
            "AUTHZ_DATABASE_URL": self._around,
        }
        return build(Settings.from_env(places))

    def parts(self) -> tuple[int, Mapping[str, str]]:
        """Give the status of ``/readyz``, and what it says of the parts."""
        found = self.send("GET", "/readyz").answer
        return found.status, found.json["parts"]

    def well(self) -> bool:
        """Tell whether all is as in the beginning: warm, ready and right."""
        heard = self.ask_at_once()
        return {(200, True)} == {
            (one.answer.status, decision_of(one.answer)) for one in heard
        } and self.parts()[0] == 200

    def first_answer(self, person: str = MEMBER) -> tuple[bool, float]:
        """Ask until there is a decision; give it, and how many seconds it took to come."""
        began = time.monotonic()
        while time.monotonic() - began < BACK_WITHIN:
            heard = self.ask(person)
            if heard.answer.status == 200:
                return decision_of(heard.answer), time.monotonic() - began
            assert REFUSED == heard.refusal
            time.sleep(0.05)
        raise AssertionError(f"not back after {BACK_WITHIN} seconds")

    def told(self, word: str) -> bool:
        """Tell whether the application log has a line of an error with *word* in it."""
        lines = self.service.err.read_text("utf-8").splitlines()
        return any(word in one and '"level": "error"' in one for one in lines)

    def unforeseen(self) -> list[str]:
        """Give the lines of the application log that tell of a mistake of ours."""
        lines = self.service.err.read_text("utf-8").splitlines()
        return [one for one in lines if "unexpected" in one or not one.startswith(("{", "serving"))]


@dataclass(frozen=True)
class Remote:
    """
    A service and its PostgreSQL, with a wire in between.

    Attributes:
        scene: the service.
        server: the PostgreSQL; all its databases fail with it.
        wire: between the two.
        around: the address of the database beside the wire.
    """

    scene: Scene
    server: Postgres
    wire: Wire
    around: str


@contextmanager
def remote(folder: Path, server: Postgres, **settings: str) -> Iterator[Remote]:
    """Serve in *folder* from a new database of *server*."""
    with ExitStack() as held:
        wire = Wire(server.folder / ".s.PGSQL.5432")
        held.callback(wire.close)
        around = server.new()
        url = f"postgresql://postgres@127.0.0.1:{wire.port}{urlsplit(around).path}"
        scene = Scene(folder, url, around, **settings)
        held.callback(scene.service.kill)
        yield Remote(scene, server, wire, around)


@contextmanager
def local(folder: Path, **settings: str) -> Iterator[Scene]:
    """Serve in *folder* from a file of SQLite."""
    scene = Scene(folder, None, None, **settings)
    try:
        yield scene
    finally:
        scene.service.kill()
