"""Privacy: what is kept of a person, shown or forgotten at the person's request (LGPD art. 18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from authz_service.domain.decision import Caller
from authz_service.domain.identifiers import Cpf, Login
from authz_service.usecases.acts import ActLog
from authz_service.usecases.ports import PersonalData, Surrogates


@dataclass(frozen=True, slots=True)
class Privacy:
    """
    Shows and forgets what is kept of a person, known by a CPF or by a login of Orquestra.

    Both are acts in the decision log, under the surrogate that the person has had so far.
    The log keeps its lines: without the pairing they are about nobody.

    Attributes:
        data: where it is kept.
        surrogates: the names of persons in the log.
        acts: where it is written down.
    """

    data: PersonalData
    surrogates: Surrogates
    acts: ActLog

    def export(
        self, person: Cpf | Login, caller: Caller
    ) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """
        Give every row about the person, by table.

        Raises:
            Unavailable: no store, or the act could not be written down.
        """
        # The name first: one that is made for this act is part of what is kept.
        name = self._name(person)
        found, revision = self.data.export(person)
        self.acts.did("person.export", caller, {"person": name}, revision)
        return found

    def erase(self, person: Cpf | Login, caller: Caller) -> None:
        """
        Forget the person; decisions about one are made from then on as if never heard of.

        Raises:
            Unavailable: nothing was forgotten.
        """
        told = partial(self.acts.did, "person.erase", caller, {"person": self._name(person)})
        self.data.erase(person, told)

    def _name(self, person: Cpf | Login) -> str:
        return self.surrogates.surrogates([person])[person]
