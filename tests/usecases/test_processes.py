"""Processes: each change is made on what is there by then, whoever else changes the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from authz_service.domain.decision import ActRecord
from authz_service.domain.errors import Conflict, NotFound, Stale
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessState
from authz_service.usecases.ports import Told
from authz_service.usecases.processes import ProcessDesk
from tests.fakes.clock import NOON
from tests.fakes.store import MemoryCatalogue, untold
from tests.fakes.tables import Tables
from tests.usecases.house import CALLER, House

FIRST = ProcessDefinition(ProcessId("p1"), "P1", "Um", 1)
SECOND = ProcessDefinition(ProcessId("p2"), "P2", "Dois", 1)


class Busy(MemoryCatalogue):
    """
    A catalogue that others change each time before something is written.

    ``meanwhile`` holds what they write, one for each time; ``times`` counts.
    """

    def __init__(self, tables: Tables, meanwhile: Sequence[ProcessDefinition]) -> None:
        super().__init__(tables)
        self.meanwhile = list(meanwhile)
        self.times = 0

    def save_processes(
        self,
        processes: Sequence[ProcessDefinition],
        moment: datetime,
        told: Told,
        seen: Sequence[ProcessDefinition] | None = None,
    ) -> int:
        """Let the others write first."""
        self.times += 1
        if self.meanwhile:
            super().save_processes([self.meanwhile.pop(0)], moment, untold)
        return super().save_processes(processes, moment, told, seen)


def desk(house: House, *meanwhile: ProcessDefinition) -> tuple[ProcessDesk, Busy]:
    """Give a desk, and its catalogue with one process in it, which others change meanwhile."""
    tables = Tables()
    MemoryCatalogue(tables).save_processes([FIRST], NOON, untold)
    catalogue = Busy(tables, meanwhile)
    return ProcessDesk(catalogue, house.acts), catalogue


def versions(count: int) -> list[ProcessDefinition]:
    """Give the second process in as many versions."""
    return [
        ProcessDefinition(SECOND.id, SECOND.code, SECOND.title, number + 1)
        for number in range(count)
    ]


def test_a_change_of_another_process_is_no_hindrance(house: House) -> None:
    """What was decided on an earlier catalogue is decided again, and done once."""
    at, catalogue = desk(house, *versions(4))
    at.announce(FIRST.id, 2, CALLER, lambda _: True)
    assert (5, 2) == (catalogue.times, at.find(FIRST.id).process.version)
    assert ["process.version"] == [one.act for one in house.administrative]


def test_who_is_always_late_is_told_so(house: House) -> None:
    """Five times is enough: then it is a conflict, and nothing is done."""
    at, catalogue = desk(house, *versions(5))
    with pytest.raises(Conflict):
        at.announce(FIRST.id, 2, CALLER, lambda _: True)
    assert (5, 1, []) == (catalogue.times, at.find(FIRST.id).process.version, house.log.records)


def test_a_process_that_was_changed_meanwhile_is_not_what_was_seen(house: House) -> None:
    """Between looking and writing counts as well."""
    other = ProcessDefinition(FIRST.id, "P1", "Outro", 1)
    at, _ = desk(house, other)
    with pytest.raises(Stale):
        at.put(ProcessDefinition(FIRST.id, "P1", "Um", 2), CALLER, lambda one: one == FIRST)
    assert (other, []) == (at.find(FIRST.id).process, house.log.records)


def test_a_twin_that_came_meanwhile_is_seen(house: House) -> None:
    """No two processes have the same code and title, whoever adds them at the same moment."""
    twin = ProcessDefinition(ProcessId("p9"), "P2", "dois", 1)
    at, _ = desk(house, twin)
    with pytest.raises(Conflict, match="`p9` and `p2`"):
        at.put(SECOND, CALLER, lambda _: True)
    assert [] == house.log.records


def test_an_import_does_not_undo_what_came_meanwhile(house: House) -> None:
    """The catalogue is another than the one that the file was compared with: a conflict."""
    house.cataloguer.import_text("code,title,version\nP1,Um,1\n", CALLER)
    tables = Tables()
    catalogue = Busy(tables, [SECOND])
    late = type(house.cataloguer)(catalogue, house.acts)
    with pytest.raises(Conflict):
        late.import_text("code,title,version\nP1,Um,1\n", CALLER)
    assert [SECOND] == catalogue.processes()


def test_processes_are_listed_by_id_in_parts(house: House) -> None:
    """Filters and the place where the last part ended leave out what is not wanted."""
    kept, catalogue = desk(house)
    closed = replace(SECOND, state=ProcessState.CLOSED)
    catalogue.save_processes([closed], NOON, untold)

    first = kept.page(None, None, None, 1)
    assert ((FIRST,), "p1") == (first.items, first.next)
    second = kept.page(None, None, first.next, 1)
    assert ((closed,), None) == (second.items, second.next)
    assert (closed,) == kept.page("P2", ProcessState.CLOSED, None, 9).items
    assert () == kept.page("P1", ProcessState.CLOSED, None, 9).items


def test_a_process_that_is_none_is_not_found(house: House) -> None:
    """Neither shown nor given a version."""
    kept, _catalogue = desk(house)
    with pytest.raises(NotFound):
        kept.find(SECOND.id)
    with pytest.raises(NotFound):
        kept.announce(SECOND.id, 2, CALLER, lambda _: True)


def test_a_process_may_not_become_anothers_twin(house: House) -> None:
    """Two with one code and title could not be told apart by their labels."""
    kept, _catalogue = desk(house)
    with pytest.raises(Conflict):
        kept.put(replace(SECOND, code="P1", title="Um"), CALLER, lambda _: True)


def test_a_put_tells_whether_the_process_is_new(house: House) -> None:
    """It is shown with its versions, the first known since now."""
    kept, _catalogue = desk(house)
    known, new = kept.put(SECOND, CALLER, lambda _: True)
    assert (SECOND, [1], True) == (known.process, [one.version for one in known.versions], new)
    assert not kept.put(SECOND, CALLER, lambda _: True)[1]


def test_a_version_goes_up_and_the_same_again_is_no_act(house: House) -> None:
    """An older one contradicts what is known."""
    kept, _catalogue = desk(house)
    assert 3 == kept.announce(FIRST.id, 3, CALLER, lambda _: True).process.version
    assert 3 == kept.announce(FIRST.id, 3, CALLER, lambda _: True).process.version
    with pytest.raises(Conflict):
        kept.announce(FIRST.id, 2, CALLER, lambda _: True)
    assert ["process.version"] == [
        one.act for one in house.log.records if isinstance(one, ActRecord)
    ]
    with pytest.raises(Stale):
        kept.announce(FIRST.id, 4, CALLER, lambda _kept: False)
