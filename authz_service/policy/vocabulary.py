"""
What a rule may read: every entity and every fact, typed and explained.

A fact that is not listed here does not exist for a policy. ``kinds`` says what kinds there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from authz_service.domain.companies import Origin, Validation
from authz_service.domain.delegation import DelegationState
from authz_service.domain.entities import LONGEST_ID, OWN_TYPES
from authz_service.domain.facts import (
    NONE,
    UNKNOWN,
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    ResourceFacts,
    SignInFacts,
    StandingFacts,
    SubjectFacts,
)
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessState
from authz_service.domain.sign_in import Certificate, Level, Method
from authz_service.policy.kinds import Choice, Entity, Fact, Flag, Link, Members, Opaque


def _words(*words: str) -> frozenset[str]:
    return frozenset(words)


_CNPJ = "[0-9A-Z]{12}[0-9]{2}"
_TYPE = Opaque(
    "What kind of thing it is, in the words of the service that owns it.",
    rf"(?!(?:{'|'.join(sorted(OWN_TYPES))})\Z)[A-Za-z][A-Za-z0-9_.-]{{0,63}}",
    '"record"',
)
_PROPERTIES = Members(
    "What is known of it: the file `AUTHZ_ENTITIES`, and over that the request. "
    "MAY BE ASSERTED BY THE CALLER."
)
_ENTITIES = (
    Entity(
        "Person",
        PersonFacts,
        "A person: who acts, or the recipient of a delegation.",
        {
            "cpf": Opaque(
                "The eleven digits, to tell whether two persons are the same.",
                "[0-9]{11}",
                '"00000000191"',
                personal=True,
            ),
            "registered": Flag("Has signed up through GOV.BR."),
            "confirmed": Flag("Orquestra has confirmed the registration."),
        },
    ),
    Entity(
        "Login",
        LoginFacts,
        "Who acts for a foreign company: its representative, as Orquestra knows it.",
        {
            "login": Opaque(
                "The name, to tell whether two are the same.",
                r"\S(?:.{0,126}\S)?",
                '"weber"',
                personal=True,
            ),
        },
    ),
    Entity(
        "Subject",
        SubjectFacts,
        "Who acts, of a type that another service owns.",
        {
            "type": _TYPE,
            "id": Opaque(
                "Its name within the type, byte for byte; it may be a person's.",
                f".{{1,{LONGEST_ID}}}",
                '"alice"',
                personal=True,
            ),
            "properties": _PROPERTIES,
        },
    ),
    Entity(
        "Standing",
        StandingFacts,
        "What a person or login is in a company (atuação).",
        {
            "role": Choice("The role; `none` without any.", _words(NONE, *Role)),
            "evidence": Choice(
                "How it is known: `inmetro` of the representative of a foreign company; `none` "
                "without any.",
                _words(NONE, *Evidence),
            ),
            "in_force": Flag("Counts at the moment of the question."),
            "days": Opaque(
                "The whole days since it was observed or asserted; nil without any.", None, "7"
            ),
            "cadastrador": Choice(
                "Holds the company's certificate at GOV.BR, so may register collaborators there.",
                _words("yes", "no", UNKNOWN),
            ),
        },
    ),
    Entity(
        "Bond",
        BondFacts,
        "Recorded proof that the company is a filial of a matriz.",
        {
            "recorded": Flag("There is such a proof."),
            "in_force": Flag("It counts at the moment of the question."),
            "standing": Link("What the acting person is in the matriz.", StandingFacts),
        },
    ),
    Entity(
        "Delegation",
        DelegationFacts,
        "What the company delegated to the acting person for the process.",
        {
            "state": Choice("Where it stands; `none` if never given.", _words(*DelegationState)),
            "version": Opaque(
                "The newest version when it was granted; nil without one.", None, "3"
            ),
            "backing": Link(
                "The best standing in the company among grantor and confirmers.", StandingFacts
            ),
            "matriz_backing": Link("The same in the matriz of a recorded bond.", StandingFacts),
        },
    ),
    Entity(
        "SignIn",
        SignInFacts,
        "The sign-in at GOV.BR that the acting person acts in.",
        {
            "level": Choice(
                "The level of the account; `none` if GOV.BR did not tell.", _words(NONE, *Level)
            ),
            "method": Choice(
                "How the person got in, the strongest way; `other` proves nothing.",
                _words(*Method),
            ),
            "certificate": Choice(
                "Where the key of the certificate that was used lies; `none` without one.",
                _words(NONE, *Certificate),
            ),
            "cnpj": Opaque(
                "The company whose certificate (e-CNPJ) was used in this sign-in; nil without. "
                "It proves that the certificate was there, no role.",
                _CNPJ,
                '"52420282000180"',
            ),
            "second_factor": Flag("GOV.BR asked for a second factor."),
            "agent": Flag("By power of attorney (Procuração Eletrônica): not the person's own."),
            "minutes": Opaque(
                "The whole minutes since the person really authenticated; nil if GOV.BR did not "
                "tell.",
                None,
                "5",
            ),
        },
    ),
    Entity(
        "Question",
        QuestionFacts,
        "The question's own particulars.",
        {
            "recipient": Link(
                "The other person of `delegate`, `revoke` or `read_delegations`.",
                PersonFacts,
                may_be_nil=True,
            ),
            "actor_evidence": Choice(
                "How it is known that this person acts: `govbr` where a sign-in of the person's "
                "own, not by power of attorney, proves it.",
                _words(Evidence.GOVBR, Evidence.ASSERTED),
            ),
            "sign_in": Link(
                "The sign-in that the person acts in; nil without a handle or token of this person "
                "that has not ended.",
                SignInFacts,
                may_be_nil=True,
            ),
            "context": Members("AuthZEN's `context`. ASSERTED BY THE CALLER."),
            "properties": Members("AuthZEN's action properties. ASSERTED BY THE CALLER."),
        },
    ),
    Entity(
        "Company",
        CompanyFacts,
        "A company's establishment, matriz or filial; or a foreign company without CNPJ.",
        {
            "id": Opaque(
                "What names it: its CNPJ, or the number of a foreign company.",
                rf"{_CNPJ}|EX[0-9]{{8}}",
                '"EX00001230"',
            ),
            "cnpj": Opaque(
                "The fourteen characters; nil for a foreign company.", _CNPJ, '"52420282000180"'
            ),
            "origin": Choice(
                "Whether it has a CNPJ (`national`), or Inmetro's team registers it (`foreign`).",
                _words(*Origin),
            ),
            "validation": Choice(
                "What the team says of a foreign company's data; `unknown` of one that is not "
                "registered, `none` of a national one, which needs none.",
                _words(NONE, UNKNOWN, *Validation),
            ),
            "standing": Link("What the acting person or login is in it.", StandingFacts),
            "bond": Link("Its recorded bond to a matriz.", BondFacts),
            "question": Link("The question's own particulars.", QuestionFacts),
        },
    ),
    Entity(
        "Process",
        ProcessFacts,
        "A process of Orquestra, in the name of one company.",
        {
            "id": Opaque(
                "The process's own id, such as `p061-registro`; nil if unknown.",
                "[a-z0-9][a-z0-9-]*",
                '"p061-registro"',
            ),
            "code": Opaque(
                "Inmetro's code, such as `P061`, which several may share.",
                "[A-Z][A-Z0-9]*",
                '"P061"',
            ),
            "version": Opaque("The version that the CALLER names, else the newest.", None, "3"),
            "state": Choice(
                "Whether it takes requests; `unknown` if not in the catalogue.",
                _words(UNKNOWN, *ProcessState),
            ),
            "company": Link("In whose name.", CompanyFacts),
            "delegation": Link("What the company delegated to the person.", DelegationFacts),
            "question": Link("The question's own particulars.", QuestionFacts),
        },
    ),
    Entity(
        "Resource",
        ResourceFacts,
        "What is acted on, of a type that another service owns.",
        {
            "type": _TYPE,
            "id": Opaque(
                "Its name within the type, byte for byte.", f".{{1,{LONGEST_ID}}}", '"record-1"'
            ),
            "properties": _PROPERTIES,
            "question": Link("The question's own particulars.", QuestionFacts),
        },
    ),
)

ACTORS = ("Person", "Login", "Subject")
"""The entities that act."""

RESOURCES = ("Process", "Company", "Resource")
"""The entities that are acted on."""

VOCABULARY: Mapping[str, Entity] = MappingProxyType({one.name: one for one in _ENTITIES})
"""Every entity by its name in Polar."""

BY_TYPE: Mapping[type, Entity] = MappingProxyType({one.type: one for one in _ENTITIES})
"""Every entity by the class of its facts."""


def as_markdown() -> str:
    """Give the vocabulary as one Markdown table for each entity, for ``policies/README.md``."""
    return "\n\n".join(
        "\n".join(
            (
                f"**{entity.name}**: {entity.meaning}",
                "",
                "| fact | what it can be | meaning |",
                "|---|---|---|",
                *(
                    f"| `{name}` | {_possible(fact)} | {fact.meaning} |"
                    for name, fact in entity.facts.items()
                ),
            )
        )
        for entity in VOCABULARY.values()
    )


def _possible(fact: Fact) -> str:
    if isinstance(fact, Flag):
        return "`true` or `false`"
    if isinstance(fact, Choice):
        return ", ".join(f'`"{word}"`' for word in sorted(fact.words))
    if isinstance(fact, Link):
        return f"a {BY_TYPE[fact.entity].name}" + (" or `nil`" if fact.may_be_nil else "")
    if isinstance(fact, Members):
        return "members of any name; an absent one is `nil`"
    return f"such as `{fact.example}`, or `nil`"
