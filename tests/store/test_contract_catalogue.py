"""What any store promises of the catalogue.

Asked of the store in memory, of SQLite in a real file, and of a real PostgreSQL.
"""

from __future__ import annotations

from dataclasses import replace

from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessState
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    P001,
    P004,
    P015,
    P061_CADASTRO,
    P061_REGISTRO,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import (
    state_of,
)
from tests.store.records import Store


def test_an_empty_store_has_nothing(store: Store) -> None:
    """A new store answers every question about what it keeps with nothing, at revision zero."""
    assert [] == store.catalogue.processes()
    assert [] == store.clients.clients()
    assert [] == store.delegations.of_company(COMPANY)
    assert 0 == state_of(store)


def test_the_catalogue_comes_back_equal_by_code_and_title(store: Store) -> None:
    """The ten processes of the document, accents and all, come back in the order of the list."""
    store.catalogue.save_processes(CATALOGUE[::-1], NOON, untold)

    assert list(CATALOGUE) == store.catalogue.processes()


def test_saving_processes_replaces_by_id_and_keeps_the_others(store: Store) -> None:
    """A newer version replaces the one of the same id, and what is not mentioned stays."""
    store.catalogue.save_processes([P001, P004], NOON, untold)
    newer = replace(P001, title="Acreditação", version=4, state=ProcessState.CLOSED)
    store.catalogue.save_processes([newer, P015], NOON, untold)

    assert [newer, P004, P015] == store.catalogue.processes()


def test_processes_that_share_a_code_are_two(store: Store) -> None:
    """P061 stands for two processes, and each keeps its own row."""
    store.catalogue.save_processes([P061_REGISTRO, P061_CADASTRO], NOON, untold)

    assert [P061_CADASTRO, P061_REGISTRO] == store.catalogue.processes()


def test_titles_are_ordered_the_same_in_every_store(store: Store) -> None:
    """The order is that of code points, which no database's collation changes."""
    titles = ["Zinco", "abertura", "Álcool", "álcool"]
    processes = [
        ProcessDefinition(ProcessId(f"p{number}"), "P001", title, 1)
        for number, title in enumerate(titles)
    ]
    store.catalogue.save_processes(processes, NOON, untold)

    assert titles == [process.title for process in store.catalogue.processes()]
