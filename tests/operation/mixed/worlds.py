"""
What one writer changes: a company, its partner, a member, a process, a foreign company.

Nobody else changes it, so the writer knows at each moment what has to be answered. Others may
ask about it at any time: they know it where no call is on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tests.operation.mixed.calling import Line


@dataclass(frozen=True, eq=False)
class Known:
    """
    What has to be answered; each is another object.

    Attributes:
        member: whether the member may open the process.
        partner: whether the partner may.
    """

    member: bool
    partner: bool


def _digit(digits: str, highest: int) -> str:
    """Give one check digit, modulo 11: weights from 2 at the end up to *highest*, and again."""
    weights = [2 + place % (highest - 1) for place in range(len(digits))]
    total = sum(int(one) * weight for one, weight in zip(reversed(digits), weights, strict=True))
    return str((11 - total % 11) % 11 % 10)


def _with_digits(digits: str, highest: int) -> str:
    digits += _digit(digits, highest)
    return digits + _digit(digits, highest)


def cpf(number: int) -> str:
    """Give a CPF that nobody else has here."""
    return _with_digits(f"{100_000_000 + number:09}", 11)


def cnpj(number: int, establishment: int = 1) -> str:
    """Give the CNPJ of a company that nobody else has here; the first is its matriz."""
    return _with_digits(f"{10_000_000 + number:08}{establishment:04}", 9)


class World:
    """
    One writer's part of the store.

    Attributes:
        known: what has to be answered now, None while a call that changes it is on its way.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.company = cnpj(number)
        self.partner, self.member = cpf(2 * number), cpf(2 * number + 1)
        self.process = f"px{number}-process"
        self.known: Known | None = None
        self._delegation = ""

    def question(self, person: str) -> dict[str, Any]:
        """Give the AuthZEN question whether a person may open the process."""
        return {
            "subject": {"type": "person", "id": person},
            "action": {"name": "open"},
            "resource": {
                "type": "process",
                "id": self.process,
                "properties": {"cnpj": self.company},
            },
        }

    def flat(self, person: str) -> dict[str, str]:
        """Give the same question as Orquestra asks it."""
        return {
            "cpf": person,
            "cnpj": self.company,
            "processo": self.process,
            "acao": "iniciar",
        }

    def begin(self, line: Line) -> None:
        """Bring about the beginning, from which ``turns`` go round."""
        self._put_process(line, "open")
        for person in (self.partner, self.member):
            self._person(line, person, confirmed=True)
        self._role(line, "socio")
        # Of an earlier beginning something may be left.
        self.empty(line)
        self.known = Known(member=False, partner=True)

    def turns(self, line: Line) -> Iterator[Callable[[], Known]]:
        """Give one act after the other; each, once done, says what holds from then on."""
        cut_off = Known(member=False, partner=False)
        unknown = Known(member=False, partner=True)
        entitled = Known(member=True, partner=True)
        steps: tuple[tuple[Callable[[Line], None], Known], ...] = (
            (self._grant, entitled),
            (partial(self._role, role="contador"), cut_off),
            (partial(self._role, role="representante_legal"), entitled),
            (partial(self._person, person=self.member, confirmed=False), unknown),
            (self._confirm, entitled),
            (partial(self._put_process, state="closed"), cut_off),
            (partial(self._put_process, state="open"), entitled),
        )
        ends: tuple[Callable[[Line], None], ...] = (
            partial(self._end, how="revoke", actor=self.partner),
            partial(self._end, how="renounce", actor=self.member),
            self.empty,
        )

        def done(act: Callable[[Line], None], known: Known) -> Known:
            act(line)
            # Another object each time: who sees the same one again knows that nothing happened.
            return replace(known)

        while True:
            for end in ends:
                for act, known in (*steps, (end, unknown)):
                    yield partial(done, act, known)

    def empty(self, line: Line) -> None:
        """Have nothing delegated to the member; for a partner of the company."""
        self._sent(line, "PUT", "/v1/delegations", {**self._acting(), "processes": []})

    def _grant(self, line: Line) -> None:
        body = {**self._acting(), "processes": [self.process]}
        found = self._sent(line, "POST", "/v1/delegations", body)
        [self._delegation] = [one["id"] for one in found["delegations"]]

    def _confirm(self, line: Line) -> None:
        self._sent(line, "POST", "/v1/confirmations", {"cpf": self.member})

    def _acting(self) -> dict[str, str]:
        return {"actor": self.partner, "company": self.company, "member": self.member}

    def _end(self, line: Line, how: str, actor: str) -> None:
        path = f"/v1/delegations/{self._delegation}/{how}"
        self._sent(line, "POST", path, {"actor": actor})

    def _role(self, line: Line, role: str) -> None:
        body = {"cpf": self.partner, "company": self.company, "role": role}
        self._sent(line, "POST", "/v1/standing", body)

    def _person(self, line: Line, person: str, *, confirmed: bool) -> None:
        body = {"cpf": person, "registered": True, "confirmed": confirmed}
        self._sent(line, "POST", "/v1/people", body)

    def _put_process(self, line: Line, state: str) -> None:
        body = {
            "code": f"PX{self.number}",
            "title": "Process of one writer",
            "version": 1,
            "state": state,
        }
        path = f"/v1/processes/{self.process}"
        # A 409 says that others went on changing the catalogue, and that nothing was done.
        while (done := line.send("PUT", path, body)).status == 409:
            pass
        assert done.status in (200, 201), (path, done.status, done.body)

    @staticmethod
    def _sent(line: Line, method: str, path: str, body: object) -> Any:
        """Make a call that has to succeed, and give what was answered."""
        done = line.send(method, path, body)
        assert done.status in (200, 201), (path, done.status, done.body)
        return done.json
