"""The names of persons in the log that are held, the latest ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from authz_service.domain.decision import Subject
from authz_service.domain.identifiers import Cpf


class HeldSurrogates:
    """
    Surrogates by whose they are. Changed by one thread at a time, read by any.

    Args:
        most: how many there is room for, of persons and of others; the oldest go.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # By the digits: a text has its hash at hand.
        self._people: OrderedDict[str, str] = OrderedDict()
        self._others: OrderedDict[Subject, str] = OrderedDict()

    def of(self, subject: Subject) -> str | None:
        """Give the name of one, or None if it is not held."""
        if isinstance(subject, Cpf):
            return self._people.get(subject.digits)
        return self._others.get(subject)

    def of_all(self, subjects: Iterable[Subject]) -> Mapping[Subject, str] | None:
        """Give the names of all, or None if one is not held."""
        found: dict[Subject, str] = {}
        for subject in subjects:
            name = self.of(subject)
            if name is None:
                return None
            found[subject] = name
        return found

    def keep(self, names: Mapping[Subject, str]) -> None:
        """Keep names."""
        for subject, name in names.items():
            if isinstance(subject, Cpf):
                self._people[subject.digits] = name
            else:
                self._others[subject] = name
        for held in (self._people, self._others):
            while len(held) > self._most:
                held.popitem(last=False)
