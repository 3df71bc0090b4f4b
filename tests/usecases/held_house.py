"""A decision point over a real store whose facts are held, beside one that remembers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from authz_service.domain.decision import Caller, DecisionRecord, Impossible, Question, Record
from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.processes import Ambiguous
from authz_service.store import SqlStore
from authz_service.usecases.answers import Answer
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.ports import FactSource, Snapshot
from tests.domain.document import CATALOGUE
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.entities import KnownEntities
from tests.fakes.log import ListLog
from tests.fakes.policies import GivenPolicies, ScriptedPolicy
from tests.fakes.store import untold
from tests.store.holding import HeldStore
from tests.usecases.house import CALLER

Sent = Question | Impossible | InvalidInput
Said = Answer | Ambiguous | InvalidInput


class CountingFacts:
    """The port ``FactSource``: passes on, and counts in ``gathered`` how often it was asked."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self.gathered = 0

    @property
    def state(self) -> object:
        """What the other has."""
        return self._facts.state

    def gather(
        self,
        questions: Sequence[Question],
        moment: datetime,
        *,
        looked: bool = False,
        heeded: bool = True,
    ) -> Snapshot:
        """Count, and give what the other gives."""
        self.gathered += 1
        return self._facts.gather(questions, moment, looked=looked, heeded=heeded)


class HeldHouse:
    """
    One that decides as a server does, and one that makes every decision anew.

    ``store`` is that of the first, ``plain`` another on the same file, as other processes have:
    it decides the second, and writes. ``facts`` counts what the first asks of what is held, and
    ``alone`` says whether a single question is asked as one, not as a batch.
    """

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/store.db"
        self.store = HeldStore(self.url)
        self.store.create()
        self.plain = SqlStore(self.url, busy_timeout=30)
        self.plain.catalogue.save_processes(CATALOGUE, NOON, untold)
        self.clock = FrozenClock()
        self.entities = KnownEntities()
        self.policy = ScriptedPolicy()
        self.policies = GivenPolicies(self.policy)
        self.log, self.log_anew = ListLog(), ListLog()
        self.heard: list[Sequence[Record]] = []
        self.facts = CountingFacts(self.store.held)
        self.alone = False
        self.point = DecisionPoint(
            self.policies,
            self.facts,
            self.entities,
            self.store.held,
            self.log,
            (self.heard.append,),
            self.clock,
        )
        self._anew = DecisionPoint(
            self.policies,
            self.plain.facts,
            self.entities,
            self.plain.surrogates,
            self.log_anew,
            (),
            self.clock,
        )

    def close(self) -> None:
        """Close the stores."""
        self.plain.close()
        self.store.close()

    def ask(
        self,
        *asked: Sent,
        until: bool | None = None,
        advise: bool = False,
        caller: Caller = CALLER,
        request_id: str | None = None,
        instance: str | None = None,
    ) -> list[Said]:
        """
        Look, and decide, as a request does; one question as one, if it is asked ``alone``.

        *instance* is heard of only then.
        """
        self.store.held.look()
        if self.alone and until is None and len(asked) == 1 and not isinstance(asked[0], Exception):
            try:
                one = self.point.decide(
                    asked[0],
                    caller,
                    advise=advise,
                    looked=True,
                    request_id=request_id,
                    instance=instance,
                )
            except AmbiguousProcess as error:
                return [Ambiguous(error.candidates)]
            return [one]
        return self.point.decide_each(
            asked, caller, until=until, advise=advise, looked=True, request_id=request_id
        )

    def same(
        self,
        *asked: Sent,
        until: bool | None = None,
        advise: bool = False,
        caller: Caller = CALLER,
        request_id: str | None = None,
    ) -> list[Said]:
        """Ask both, require the same of them but for names and latency, and give the answers."""
        before = len(self.log.records), len(self.log_anew.records)
        found = self.ask(*asked, until=until, advise=advise, caller=caller, request_id=request_id)
        expected = self._anew.decide_each(
            asked, caller, until=until, advise=advise, request_id=request_id
        )
        records, anew = self.log.records[before[0] :], self.log_anew.records[before[1] :]
        for one, other in zip([*anew, *expected], [*records, *found], strict=True):
            assert plain(one) == plain(other), f"{plain(one)}\n is not \n{plain(other)}"
        assert [one.id for one in found if isinstance(one, Answer)] == [one.id for one in records]
        return found

    @property
    def decisions(self) -> list[DecisionRecord]:
        """The decisions in the log."""
        return [one for one in self.log.records if isinstance(one, DecisionRecord)]


def plain(one: Said | Record) -> object:
    """Give all of an answer or a record that two decisions of one content have in common."""
    if isinstance(one, Answer):
        said = (one.decision, one.revision, one.policy, one.question, one.facts, one.advice)
        return (*said, one.process, one.text, one.pt)
    if isinstance(one, DecisionRecord):
        assert 0 <= one.latency_us < 60_000_000
        return one._replace(id="", latency_us=0)
    if isinstance(one, InvalidInput):
        return one.field, one.message
    return one
