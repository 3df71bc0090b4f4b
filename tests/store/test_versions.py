"""What every store promises about the versions of processes, and about clients' reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_service.domain.clients import Client
from authz_service.domain.errors import LogUnavailable
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessState, ProcessVersion
from tests.domain.document import P001, P015
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import HOUR, Store


def test_each_version_is_kept_with_its_first_moment(store: Store) -> None:
    """The oldest first, whichever came first; a version that comes again stays as it was."""
    for number, version in enumerate((3, 5, 5, 2, 3, 999_999)):
        kept = replace(P001, version=version, title=f"Title {number}")
        store.catalogue.save_processes([kept, P015], NOON + number * HOUR, untold)

    assert [
        ProcessVersion(2, NOON + 3 * HOUR),
        ProcessVersion(3, NOON),
        ProcessVersion(5, NOON + HOUR),
        ProcessVersion(999_999, NOON + 5 * HOUR),
    ] == store.catalogue.versions(P001.id)
    assert [ProcessVersion(P015.version, NOON)] == store.catalogue.versions(P015.id)


def test_what_is_no_new_version_makes_none(store: Store) -> None:
    """To close a process, or to call it something else, is no version."""
    store.catalogue.save_processes([P001], NOON, untold)
    closed = replace(P001, state=ProcessState.CLOSED, code="P002")
    store.catalogue.save_processes([closed], NOON + HOUR, untold)

    assert [ProcessVersion(P001.version, NOON)] == store.catalogue.versions(P001.id)


def test_a_process_that_is_not_there_has_had_no_version(store: Store) -> None:
    """An empty list, as for one that could not be told."""

    def _refuse(_revision: int) -> None:
        raise LogUnavailable("the decision log cannot be written")

    with pytest.raises(LogUnavailable):
        store.catalogue.save_processes([P001], NOON, _refuse)

    assert [] == store.catalogue.versions(P001.id)
    assert [] == store.catalogue.versions(ProcessId("nothing"))


@pytest.mark.parametrize("reasons", [True, False])
def test_a_client_keeps_whether_it_is_told_reasons(store: Store, reasons: bool) -> None:
    """Until it is saved otherwise."""
    for wanted in (not reasons, reasons):
        store.clients.save_client(Client("lab", frozenset({"decide"}), reasons=wanted), untold)

    assert [Client("lab", frozenset({"decide"}), reasons=reasons)] == store.clients.clients()
