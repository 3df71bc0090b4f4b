"""Privacy: what is kept of a person, shown or forgotten at the person's request (LGPD art. 18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from authz_service.domain.decision import Caller, Subject
from authz_service.usecases.acts import ActLog
from authz_service.usecases.ports import PersonalData, Surrogates


@dataclass(frozen=True, slots=True)
class Privacy:
    """
    Shows and forgets what is kept of a person, known by a CPF or by a login of Orquestra.

    An entity of another service may stand for a person as well; of it, its pairing is kept.

    Both are acts in the decision log, under the surrogate that the person has had so far.
    The log keeps its lines: without the pairing they are about nobody. Who asks about somebody
    of whom nothing is kept learns just that, which is an act too, and makes no pairing. Where
    there is nothing to forget nothing is done, so there is no act.

    Attributes:
        data: where it is kept.
        surrogates: the names of persons in the log.
        acts: where it is written down.
    """

    data: PersonalData
    surrogates: Surrogates
    acts: ActLog

    def export(
        self, person: Subject, caller: Caller
    ) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """
        Give every row about the person, by table; no table has any if nothing is kept.

        Raises:
            Unavailable: no store, or the act could not be written down.
        """
        name = self.surrogates.known(person)
        found, revision = self.data.export(person)
        if name is None and any(found.values()):
            # One that is made for this act is part of what is kept.
            name = self.surrogates.surrogates([person])[person]
            found, revision = self.data.export(person)
        details = {"person": name, "found": any(found.values())}
        self.acts.did("person.export", caller, details, revision)
        return found

    def erase(self, person: Subject, caller: Caller) -> bool:
        """
        Forget the person; decisions about one are made from then on as if never heard of.

        Returns:
            whether anything was kept; if not, nothing was done.

        Raises:
            Unavailable: nothing was forgotten.
        """
        details = {"person": self.surrogates.known(person)}
        told = partial(self.acts.did, "person.erase", caller, details)
        return self.data.erase(person, told) is not None
