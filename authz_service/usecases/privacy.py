"""Privacy: what is kept of a person, shown or forgotten at the person's request (LGPD art. 18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from authz_service.domain.decision import Caller
from authz_service.domain.identifiers import Cpf
from authz_service.usecases.acts import ActLog
from authz_service.usecases.ports import PersonalData, Surrogates


@dataclass(frozen=True, slots=True)
class Privacy:
    """
    Shows and forgets what is kept of a person.

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

    def export(self, cpf: Cpf, caller: Caller) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """
        Give every row about the person, by table.

        Raises:
            Unavailable: no store, or the act could not be written down.
        """
        # The name first: one that is made for this act is part of what is kept.
        name = self._name(cpf)
        found, revision = self.data.export(cpf)
        self.acts.did("person.export", caller, {"person": name}, revision)
        return found

    def erase(self, cpf: Cpf, caller: Caller) -> None:
        """
        Forget the person; decisions about the CPF are made from then on as if never heard of.

        Raises:
            Unavailable: nothing was forgotten.
        """
        told = partial(self.acts.did, "person.erase", caller, {"person": self._name(cpf)})
        self.data.erase(cpf, told)

    def _name(self, cpf: Cpf) -> str:
        return self.surrogates.surrogates([cpf])[cpf]
