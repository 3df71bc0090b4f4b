"""The tests beside the policies: their form, every mistake in it, and what they tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.decision import CompanyAsked, Decision, ProcessAsked, Question, RuleError
from authz_service.domain.delegation import DelegationState, EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import (
    CompanyFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ResourceFacts,
    SignInFacts,
    SubjectFacts,
)
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId
from authz_service.domain.known import facts_of
from authz_service.domain.people import Evidence, Role
from authz_service.policy.cases import Expected
from authz_service.policy.suite import read, run
from authz_service.policy.tables import SuiteInvalid
from authz_service.policy.text import MAX_BYTES
from tests.fakes.clock import NOON
from tests.fakes.policies import ScriptedPolicy
from tests.policy.compiled import policy

NOW = "now = 2026-11-20T12:00:00-03:00\n"
WORLD = (
    NOW
    + """
[people]
ana = { registered = true, confirmed = true }
bia = { registered = true }
eva = {}
[companies]
acme = {}
filial = { filial_of = "acme" }
[processes]
P001 = { version = 3 }
P015 = { state = "closed" }
"""
)
CASE = '[[case]]\nname = "it"\npeople = "ana"\nactions = "open"\ncompany = "acme"\n'
ASKING = f'{CASE}processes = "P001"\n'
STANDING = '[[standing]]\nperson = "ana"\ncompany = "acme"\nrole = "socio"\n'
DELEGATION = '[[delegation]]\ncompany = "acme"\nmember = "bia"\nprocess = "P001"\nby = "ana"\n'


def expected_of(text: str) -> list[Expected]:
    """Read a test file."""
    return read("a_test.toml", text.encode())


def facts(one: Expected) -> Facts:
    """Give the facts of a question, as the run gives them to the policy."""
    return facts_of(one.question, one.known, one.moment)


def process(one: Expected) -> ProcessAsked:
    """Give the process that a question asks about."""
    assert isinstance(one.question.resource, ProcessAsked)
    return one.question.resource


def company_of(one: Expected) -> Cnpj:
    """Give the national company that a question is about."""
    resource = one.question.resource
    assert not isinstance(resource, Thing)
    assert isinstance(resource.company, Cnpj)
    return resource.company


def test_a_case_asks_every_combination() -> None:
    """People, actions and processes are multiplied, in the order of the file."""
    asked = expected_of(
        f'{WORLD}[[case]]\nname = "it"\npeople = ["ana", "bia"]\nactions = ["open", "delegate"]\n'
        'processes = ["P001", "P999"]\ncompany = "acme"\n'
    )

    assert [
        "ana open P001 for acme",
        "ana open P999 for acme",
        "ana delegate P001 for acme",
        "ana delegate P999 for acme",
        "bia open P001 for acme",
        "bia open P999 for acme",
        "bia delegate P001 for acme",
        "bia delegate P999 for acme",
    ] == [one.asked for one in asked]
    assert {"it"} == {one.case for one in asked}


def test_what_is_not_listed_is_denied() -> None:
    """Only what stands under an allow is allowed; reasons matter where they are given."""
    asked = expected_of(
        f'{WORLD}[[case]]\nname = "it"\ncompany = "acme"\n'
        'people = ["ana", "bia", "eva"]\nactions = ["open", "read"]\n'
        '[[case.allow]]\nperson = "ana"\nreasons = ["first", "second"]\n'
        '[[case.allow]]\nperson = "bia"\naction = "read"\n'
        '[[case.deny]]\nperson = ["bia"]\naction = ["open"]\nreasons = "third"\n'
    )

    assert [
        ("ana open for acme", True, ("first", "second")),
        ("ana read for acme", True, ("first", "second")),
        ("bia open for acme", False, ("third",)),
        ("bia read for acme", True, None),
        ("eva open for acme", False, None),
        ("eva read for acme", False, None),
    ] == [(one.asked, one.allowed, one.reasons) for one in asked]


def test_without_a_process_the_company_is_asked_about() -> None:
    """A case without processes is about the company as a whole."""
    [one] = expected_of(WORLD + CASE)

    assert isinstance(one.question.resource, CompanyAsked)
    assert one.known.process is None


def test_the_clock_stands_still() -> None:
    """Every question is asked at the moment of the file."""
    [one] = expected_of(WORLD + ASKING)

    assert NOON == one.moment
    assert UTC is one.moment.tzinfo


def test_people_are_what_they_are_said_to_be() -> None:
    """Nobody is registered or confirmed unless it is said."""
    asked = expected_of(WORLD + ASKING.replace('"ana"', '["ana", "bia", "eva"]'))

    actors = [facts(one).actor for one in asked]
    assert [(True, True), (True, False), (False, False)] == [
        (one.registered, one.confirmed) for one in actors if isinstance(one, PersonFacts)
    ]


def test_a_standing_is_what_it_is_said_to_be() -> None:
    """Verified and in force unless it is said otherwise; the prevailing one counts."""
    asserted = STANDING.replace("socio", "contador") + 'evidence = "asserted"\n'
    over = STANDING + "ends_at = 2026-11-20T12:00:00-03:00\n"
    newer = STANDING.replace("socio", "colaborador") + "observed_at = 2026-11-20T12:05:00-03:00\n"

    for text, standing in (
        ("", ("none", "none", False)),
        (STANDING, (Role.SOCIO, Evidence.GOVBR, True)),
        (asserted, (Role.CONTADOR, Evidence.ASSERTED, True)),
        (asserted + STANDING, (Role.SOCIO, Evidence.GOVBR, True)),
        (over, (Role.SOCIO, Evidence.GOVBR, False)),
        (newer + STANDING, (Role.COLABORADOR, Evidence.GOVBR, True)),
    ):
        [one] = expected_of(WORLD + text + CASE)
        resource = facts(one).resource
        assert isinstance(resource, CompanyFacts)
        found = resource.standing
        assert standing == (found.role, found.evidence, found.in_force)


@pytest.mark.parametrize(
    ("said", "days", "cadastrador"),
    [
        ("", 0, "unknown"),
        ("cadastrador = true", 0, "yes"),
        ("cadastrador = false", 0, "no"),
        ("observed_at = 2026-11-12T12:00:01-03:00", 7, "unknown"),
        ("observed_at = 2026-11-12T12:00:00-03:00", 8, "unknown"),
    ],
)
def test_a_standing_has_an_age_and_a_cadastrador(said: str, days: int, cadastrador: str) -> None:
    """Seen now unless it is said otherwise, in full days; of a certificate nothing is known."""
    [one] = expected_of(f"{WORLD}{STANDING}{said}\n{CASE}")

    resource = facts(one).resource
    assert isinstance(resource, CompanyFacts)
    assert (days, cadastrador) == (resource.standing.days, resource.standing.cadastrador)


TOLD_NOTHING = SignInFacts(
    level="none",
    method="other",
    certificate="none",
    cnpj=None,
    second_factor=False,
    agent=False,
    minutes=None,
)
SIGN_INS = {
    "nothing": ("{}", TOLD_NOTHING),
    "a level": ('{ level = "gold" }', replace(TOLD_NOTHING, level="gold")),
    "one method": ('{ methods = "passwd" }', replace(TOLD_NOTHING, method="password")),
    "several methods": (
        '{ methods = ["x509", "x509_token", "mfa", "novo"] }',
        replace(TOLD_NOTHING, method="certificate", certificate="device", second_factor=True),
    ),
    "a company": (
        '{ methods = ["x509"], company = "acme" }',
        replace(
            TOLD_NOTHING, method="certificate", certificate="unspecified", cnpj="52420282000180"
        ),
    ),
    "an agent": ("{ agent = true }", replace(TOLD_NOTHING, agent=True)),
    "no agent": ("{ agent = false }", TOLD_NOTHING),
    "just now": ("{ minutes = 0 }", replace(TOLD_NOTHING, minutes=0)),
    "a while ago": ("{ minutes = 5 }", replace(TOLD_NOTHING, minutes=5)),
    "a year ago": ("{ minutes = 525600 }", replace(TOLD_NOTHING, minutes=525_600)),
}


@pytest.mark.parametrize(("said", "sign_in"), SIGN_INS.values(), ids=SIGN_INS)
def test_everybody_in_a_case_acts_in_its_sign_in(said: str, sign_in: SignInFacts) -> None:
    """It is an own one of each person, in force, and tells nothing but what is said of it."""
    given_cnpj = WORLD.replace("acme = {}", 'acme = { cnpj = "52420282000180" }')
    both = ASKING.replace('"ana"', '["ana", "eva"]')
    asked = expected_of(f"{given_cnpj}{both}sign_in = {said}\n")

    evidence = "asserted" if sign_in.agent else "govbr"
    assert [(sign_in, evidence)] * 2 == [
        (facts(one).question.sign_in, facts(one).question.actor_evidence) for one in asked
    ]


def test_without_a_word_nobody_acts_in_a_sign_in() -> None:
    """A case that says nothing of a sign-in asks without one, and the caller asserts who acts."""
    [one] = expected_of(WORLD + ASKING)

    assert (None, None) == (one.question.sign_in, one.known.sign_in)
    assert "asserted" == facts(one).question.actor_evidence


def test_a_delegation_is_what_it_is_said_to_be() -> None:
    """It has a grantor, confirmers, a last day and an end; the last one of a member counts."""
    bia = ASKING.replace('"ana"', '"bia"')
    text = (
        DELEGATION
        + 'confirmed_by = "eva"\nuntil = 2026-12-31\nversion = 2\nat = 2026-01-01T00:00:00Z\n'
    )
    [one] = expected_of(WORLD + DELEGATION + text + bia)

    delegation = one.known.delegation
    assert delegation is not None
    assert [EventKind.GRANTED, EventKind.CONFIRMED] == [event.kind for event in delegation.history]
    ana, _bia, eva = (person.cpf for person in one.known.people)
    assert ((ana, eva), date(2026, 12, 31), 2) == (
        delegation.backers,
        delegation.last_day,
        delegation.version,
    )
    assert datetime(2026, 1, 1, tzinfo=UTC) == delegation.history[0].at


def test_a_delegation_is_for_its_member_company_and_process() -> None:
    """Nobody else's delegation, and none of another process or company, is known."""
    for case in (
        ASKING,
        ASKING.replace('"ana"', '"bia"').replace("P001", "P015"),
        ASKING.replace('"ana"', '"bia"').replace("P001", "P999"),
        ASKING.replace('"ana"', '"bia"').replace('"acme"', '"filial"'),
        CASE.replace('"ana"', '"bia"'),
    ):
        [one] = expected_of(WORLD + DELEGATION + case)
        assert one.known.delegation is None


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("", DelegationState.IN_FORCE),
        ("until = 2026-11-20", DelegationState.IN_FORCE),
        ("until = 2026-11-19", DelegationState.EXPIRED),
        ('ended = "revoked"', DelegationState.REVOKED),
        ('ended = "renounced"', DelegationState.RENOUNCED),
    ],
)
def test_a_delegation_stands_where_it_is_said_to(said: str, state: DelegationState) -> None:
    """In force up to its last day, unless it was ended."""
    [one] = expected_of(f"{WORLD}{DELEGATION}{said}\n" + ASKING.replace('"ana"', '"bia"'))

    assert one.known.delegation is not None
    assert state is one.known.delegation.state(one.moment)


def test_versions_and_states_of_processes() -> None:
    """A process has its version and state; a question may name a version of its own."""
    [newest] = expected_of(WORLD + ASKING)
    [named] = expected_of(f"{WORLD}{ASKING}version = 9\n")
    [closed] = expected_of(WORLD + ASKING.replace("P001", "P015"))
    [unknown] = expected_of(WORLD + ASKING.replace("P001", "P999"))
    [other] = expected_of(
        WORLD.replace("version = 3", 'code = "P061", title = "Registro"') + ASKING
    )

    assert (None, 9) == (process(newest).name.version, process(named).name.version)
    assert newest.known.process is not None
    assert ("P001 - P001 v.3", "open") == (newest.known.process.label, newest.known.process.state)
    assert closed.known.process is not None
    assert "closed" == closed.known.process.state
    assert unknown.known.process is None
    assert other.known.process is not None
    assert "P061 - Registro v.1" == other.known.process.label


def test_what_the_caller_says_reaches_the_question() -> None:
    """Recipient, evidence, context and properties are handed on as they are written."""
    [one] = expected_of(
        f'{WORLD}{ASKING}recipient = "bia"\nactor_evidence = "govbr"\n'
        'context = { channel = "web", tries = 2 }\nproperties = { soft = true }\n'
    )
    [bare] = expected_of(WORLD + ASKING)

    assert one.question.recipient == one.known.people[1].cpf
    assert Evidence.GOVBR is one.question.actor_evidence
    assert {"channel": "web", "tries": 2} == one.question.context
    assert {"soft": True} == one.question.properties
    assert (None, Evidence.ASSERTED, {}, {}) == (
        bare.question.recipient,
        bare.question.actor_evidence,
        bare.question.context,
        bare.question.properties,
    )


def test_made_up_numbers_are_valid_and_distinct() -> None:
    """Hundreds of people and companies have numbers that could be real, each its own."""
    people = "\n".join(f"p{number} = {{}}" for number in range(400))
    companies = "\n".join(
        f"c{number} = {{}}\nf{number} = {{ filial_of = 'c{number}', bond = true }}"
        for number in range(200)
    )
    asked = expected_of(
        f"{NOW}[people]\n{people}\n[companies]\n{companies}\n"
        + "".join(
            CASE.replace('"ana"', '"p0"').replace("acme", f"{kind}{number}")
            for number in range(200)
            for kind in "cf"
        )
    )

    cpfs = {person.cpf for person in asked[0].known.people}
    cnpjs = [company_of(one) for one in asked]
    assert 400 == len({Cpf.parse(cpf.digits) for cpf in cpfs})
    assert 400 == len({Cnpj.parse(cnpj.value) for cnpj in cnpjs})
    assert [one.root for one in cnpjs[::2]] == [one.root for one in cnpjs[1::2]]
    assert 200 == len({one.root for one in cnpjs})


def test_given_numbers_are_taken() -> None:
    """Who writes a CPF or a CNPJ means it, with punctuation or without."""
    [one] = expected_of(
        WORLD.replace("eva = {}", 'eva = { cpf = "722.684.025-17" }').replace(
            "acme = {}", 'acme = { cnpj = "52420282000180" }'
        )
        + ASKING.replace('"ana"', '"eva"')
    )

    assert Cpf.parse("72268402517") == one.question.actor
    assert Cnpj.parse("52420282000180") == company_of(one)


@pytest.mark.parametrize("cnpj", ["52.420.282/0001-80", "12ABC34501DE35"])
def test_a_made_up_filial_belongs_to_its_given_matriz(cnpj: str) -> None:
    """A filial shares the root of its matriz, also of a given and of an alphanumeric one."""
    [one] = expected_of(
        WORLD.replace("acme = {}", f'acme = {{ cnpj = "{cnpj}" }}').replace(
            '"acme" }', '"acme", bond = true }'
        )
        + ASKING.replace('"acme"', '"filial"')
    )

    bond = one.known.bond
    assert bond is not None
    assert Cnpj.parse(cnpj) == bond.matriz
    assert bond.matriz.root == bond.filial.root
    assert Cnpj.parse(bond.filial.value) == company_of(one)


def test_a_bond_is_recorded_where_it_is_said() -> None:
    """Without a word there is no bond; with a last day it counts until then."""
    filial = CASE.replace('"acme"', '"filial"')
    for said, recorded in (
        ("", (False, False)),
        (", bond = false", (False, False)),
        (", bond = true", (True, True)),
        (", bond = true, bond_until = 2026-11-20", (True, True)),
        (", bond = true, bond_until = 2026-11-19", (True, False)),
    ):
        [one] = expected_of(WORLD.replace('"acme" }', f'"acme"{said} }}') + filial)
        moment = one.moment
        bond = one.known.bond
        assert recorded == (bond is not None, bond is not None and bond.in_force(moment))


ABROAD = (
    WORLD
    + """
[logins]
weber = {}
dupont = { login = "dupont@exemplo.fr" }
[foreign]
gmbh = { country = "DE", validation = "validated", representatives = "weber" }
sarl = { representatives = ["weber", "dupont"] }
over = { validation = "withdrawn", number = "EX-0000123-0", representatives = ["dupont"] }
nobody = { validation = "unknown" }
[entities]
robo = { type = "robot" }
laudo = { type = "report", id = "r-1", properties = { status = "open", tags = ["a"] } }
"""
)
LOGIN = CASE.replace("people", "logins").replace('"ana"', '"weber"').replace("acme", "gmbh")
THING = '[[case]]\nname = "it"\nsubjects = "robo"\nactions = "read"\nresources = "laudo"\n'


def test_everybody_who_acts_is_asked_about() -> None:
    """Persons, logins and subjects of one case are asked alike, in this order."""
    asked = expected_of(
        f'{ABROAD}{ASKING}logins = ["weber", "dupont"]\nsubjects = "robo"\n'
        '[[case.allow]]\nlogin = "dupont"\nperson = "ana"\n'
        '[[case.deny]]\nsubject = "robo"\nreasons = "first"\n'
    )

    assert [
        ("ana open P001 for acme", True, None),
        ("weber open P001 for acme", False, None),
        ("dupont open P001 for acme", True, None),
        ("robo open P001 for acme", False, ("first",)),
    ] == [(one.asked, one.allowed, one.reasons) for one in asked]
    actors = [facts(one).actor for one in asked]
    assert isinstance(actors[0], PersonFacts)
    assert [
        LoginFacts("weber"),
        LoginFacts("dupont@exemplo.fr"),
        SubjectFacts("robot", "robo", {}),
    ] == actors[1:]


def test_resources_of_other_services_are_asked_about() -> None:
    """A case about them has no company, and an answer may name one of them."""
    asked = expected_of(
        f"{ABROAD}{THING}"
        'properties = { soft = true }\n[[case.allow]]\nresource = "laudo"\n[[case]]\n'
        'name = "more"\npeople = "ana"\nactions = "read"\nresources = ["laudo", "robo"]\n'
        '[[case.allow]]\nresource = "robo"\n'
    )

    assert [
        ("robo read laudo", True),
        ("ana read laudo", False),
        ("ana read robo", True),
    ] == [(one.asked, one.allowed) for one in asked]
    resource = facts(asked[0]).resource
    assert isinstance(resource, ResourceFacts)
    assert ("report", "r-1", {"status": "open", "tags": ["a"]}) == (
        resource.type,
        resource.id,
        resource.properties,
    )
    assert {"soft": True} == facts(asked[0]).question.properties
    assert Thing(EntityName("robot", "robo"), {}) == asked[0].question.actor


@pytest.mark.parametrize(
    ("company", "validation", "role", "days"),
    [
        ("gmbh", "validated", Role.REPRESENTANTE_LEGAL, 0),
        ("sarl", "pending", Role.REPRESENTANTE_LEGAL, None),
        ("over", "withdrawn", "none", None),
        ("nobody", "unknown", "none", None),
        ("acme", "none", "none", None),
    ],
)
def test_a_foreign_company_is_what_it_is_said_to_be(
    company: str, validation: str, role: str, days: int | None
) -> None:
    """Pending unless it is said otherwise, and represented by the logins that it names."""
    [one] = expected_of(ABROAD + LOGIN.replace("gmbh", company))

    found = facts(one).resource
    assert isinstance(found, CompanyFacts)
    assert (validation, role, days, validation == "validated") == (
        found.validation,
        found.standing.role,
        found.standing.days,
        found.standing.in_force,
    )
    assert (company == "acme") is (found.origin == "national") is (found.cnpj is not None)


def test_a_validation_has_a_day() -> None:
    """A company is validated now, unless the file gives another moment."""
    text = ABROAD.replace(
        '"validated", ', '"validated", validated_at = 2026-11-12T12:00:00-03:00, '
    )
    [one] = expected_of(text + LOGIN)

    found = facts(one).resource
    assert isinstance(found, CompanyFacts)
    assert 8 == found.standing.days


def test_numbers_of_foreign_companies_are_made_up_or_given() -> None:
    """Each has a number that could be real, its own; who writes one means it."""
    numbers = {}
    for company in ("gmbh", "sarl", "over", "nobody"):
        [one] = expected_of(ABROAD + LOGIN.replace("gmbh", company))
        found = facts(one).resource
        assert isinstance(found, CompanyFacts)
        numbers[company] = ForeignId.parse(found.id)

    assert 4 == len(set(numbers.values()))
    assert "EX00001230" == numbers["over"].value


def test_a_process_of_a_foreign_company_has_no_delegation() -> None:
    """Delegations of a file are of national companies; a foreign one has none."""
    asking = LOGIN.replace("company", 'processes = "P001"\ncompany')
    [one] = expected_of(ABROAD + DELEGATION + asking + 'recipient = "bia"\n')

    assert (None, None) == (one.known.delegation, one.known.bond)
    assert one.known.process is not None
    assert one.question.recipient == one.known.people[1].cpf


VALIDATIONS = "pending, unknown, validated, withdrawn"


def abroad(old: str, new: str, case: str = LOGIN) -> str:
    """Give a file with other logins, foreign companies or entities than the usual."""
    assert old in ABROAD
    return ABROAD.replace(old, new) + case


def world(old: str, new: str) -> str:
    """Give a file with another world than the usual."""
    assert old in WORLD
    return WORLD.replace(old, new) + CASE


MISTAKES = {
    "nothing": ("", "top: `now` is missing"),
    "no case": (WORLD, "top: there is no [[case]]"),
    "a case that is no list": (f"{WORLD}[case]\n", "top: `case` is of the wrong type"),
    "a case that is no table": (f"case = [1]\n{WORLD}", "case 1: must be a table"),
    "an unknown table": (f"{WORLD}{CASE}[[cases]]\n", "top: `cases` is not known here"),
    "no moment": (world(NOW, ""), "top: `now` is missing"),
    "a naive moment": (world("-03:00", ""), "top: `now` needs an offset, such as -03:00"),
    "a day for a moment": (world("T12:00:00-03:00", ""), "top: `now` is of the wrong type"),
    "a person that is no table": (world("eva = {}", "eva = 1"), "people.eva: must be a table"),
    "an unknown fact of a person": (
        world("eva = {}", "eva = { confirmd = true }"),
        "people.eva: `confirmd` is not known here",
    ),
    "confirmed without registered": (
        world("eva = {}", "eva = { confirmed = true }"),
        "people.eva: confirmed: needs a person who has registered",
    ),
    "a flag that is a text": (
        world("eva = {}", 'eva = { registered = "yes" }'),
        "people.eva: `registered` is of the wrong type",
    ),
    "a CPF that cannot be": (
        world("eva = {}", 'eva = { cpf = "72268402518" }'),
        "people.eva: cpf: must be a CPF with valid check digits",
    ),
    "a CPF as a number": (
        world("eva = {}", "eva = { cpf = 72268402517 }"),
        "people.eva: `cpf` is of the wrong type",
    ),
    "two persons with one CPF": (
        world("eva = {}", 'eva = { cpf = "72268402517" }\nzoe = { cpf = "722.684.025-17" }'),
        "people.zoe: has the same `cpf` as another person",
    ),
    "a CNPJ that cannot be": (
        world("acme = {}", 'acme = { cnpj = "52420282000181" }'),
        "companies.acme: cnpj: must be a CNPJ with valid check digits",
    ),
    "two companies with one CNPJ": (
        world(
            "acme = {}",
            'acme = { cnpj = "52420282000180" }\nbeta = { cnpj = "52420282000180" }',
        ),
        "companies.beta: has the same `cnpj` as another company",
    ),
    "an unknown matriz": (
        world('filial_of = "acme"', 'filial_of = "acne"'),
        "companies.filial: `filial_of` is `acne`, which is none of: acme",
    ),
    "a matriz that comes later": (
        world("acme = {}", 'first = { filial_of = "acme" }\nacme = {}'),
        "companies.first: `filial_of` is `acme`, which is none of: ",
    ),
    "a bond without a matriz": (
        world("acme = {}", "acme = { bond = true }"),
        "companies.acme: `bond` needs `filial_of`",
    ),
    "a last day without a bond": (
        world('filial_of = "acme"', 'filial_of = "acme", bond_until = 2026-01-01'),
        "companies.filial: `bond_until` needs `bond = true`",
    ),
    "a last day with a time": (
        world('filial_of = "acme"', 'filial_of = "acme", bond_until = 2026-01-01T00:00:00'),
        "companies.filial: `bond_until` must be a day without a time",
    ),
    "a bond of strangers": (
        world('filial_of = "acme"', 'filial_of = "acme", bond = true, cnpj = "52420282000180"'),
        "companies.filial: matriz: must share the first eight characters of the filial",
    ),
    "a state that no process has": (
        world('"closed"', '"shut"'),
        "processes.P015: `state` is `shut`, which is none of: closed, open",
    ),
    "a version that is a text": (
        world("version = 3", 'version = "3"'),
        "processes.P001: `version` is of the wrong type",
    ),
    "a version that is true": (
        world("version = 3", "version = true"),
        "processes.P001: `version` is of the wrong type",
    ),
    "a version that cannot be": (
        world("version = 3", "version = 0"),
        "processes.P001: version: must be from 1 to 999999",
    ),
    "a code that cannot be": (
        world("version = 3", 'code = "p 1"'),
        "processes.P001: code: must be a letter and up to 15 letters or digits",
    ),
    "a standing without a role": (
        WORLD + STANDING.replace("role", "#") + CASE,
        "standing 1: `role` is missing",
    ),
    "an unknown role": (
        WORLD + STANDING + STANDING.replace("socio", "chefe") + CASE,
        f"standing 2: `role` is `chefe`, which is none of: {', '.join(sorted(Role))}",
    ),
    "an unknown evidence": (
        f'{WORLD}{STANDING}evidence = "rumour"\n{CASE}',
        "standing 1: `evidence` is `rumour`, which is none of: asserted, govbr",
    ),
    "a naive end": (
        f"{WORLD}{STANDING}ends_at = 2026-01-01T00:00:00\n{CASE}",
        "standing 1: `ends_at` needs an offset, such as -03:00",
    ),
    "a cadastrador that is a word": (
        f'{WORLD}{STANDING}cadastrador = "yes"\n{CASE}',
        "standing 1: `cadastrador` is of the wrong type",
    ),
    "a cadastrador that is a number": (
        f"{WORLD}{STANDING}cadastrador = 1\n{CASE}",
        "standing 1: `cadastrador` is of the wrong type",
    ),
    "a sign-in that is no table": (
        f"{WORLD}{CASE}sign_in = true\n",
        "case 1: `sign_in` is of the wrong type",
    ),
    "an unknown level": (
        f'{WORLD}{CASE}sign_in = {{ level = "ouro" }}\n',
        "case 1, sign_in: `level` is `ouro`, which is none of: bronze, gold, silver",
    ),
    "the certificate of an unknown company": (
        f'{WORLD}{CASE}sign_in = {{ company = "acne" }}\n',
        "case 1, sign_in: `company` is `acne`, which is none of: acme, filial",
    ),
    "a company's certificate without a certificate": (
        f'{WORLD}{CASE}sign_in = {{ methods = ["passwd"], company = "acme" }}\n',
        'case 1, sign_in: `company` needs a certificate in `methods`: "x509"',
    ),
    "a method that is a number": (
        f"{WORLD}{CASE}sign_in = {{ methods = [1] }}\n",
        "case 1, sign_in: `methods` is of the wrong type",
    ),
    "no methods": (
        f"{WORLD}{CASE}sign_in = {{ methods = [] }}\n",
        "case 1, sign_in: `methods` is empty",
    ),
    "an agent that is a text": (
        f'{WORLD}{CASE}sign_in = {{ agent = "true" }}\n',
        "case 1, sign_in: `agent` is of the wrong type",
    ),
    "minutes that are a fraction": (
        f"{WORLD}{CASE}sign_in = {{ minutes = 1.5 }}\n",
        "case 1, sign_in: `minutes` is of the wrong type",
    ),
    "minutes to come": (
        f"{WORLD}{CASE}sign_in = {{ minutes = -1 }}\n",
        "case 1, sign_in: `minutes` must be from 0 to 525600",
    ),
    "more than a year of minutes": (
        f"{WORLD}{CASE}sign_in = {{ minutes = 525601 }}\n",
        "case 1, sign_in: `minutes` must be from 0 to 525600",
    ),
    "an unknown member of a sign-in": (
        f'{WORLD}{CASE}sign_in = {{ method = "passwd" }}\n',
        "case 1, sign_in: `method` is not known here",
    ),
    "a standing of nobody": (
        WORLD + STANDING.replace('"ana"', '"nina"') + CASE,
        "standing 1: `person` is `nina`, which is none of: ana, bia, eva",
    ),
    "a standing in no company": (
        WORLD + STANDING.replace('"acme"', '"acne"') + CASE,
        "standing 1: `company` is `acne`, which is none of: acme, filial",
    ),
    "a delegation of no process": (
        WORLD + DELEGATION.replace("P001", "P999") + CASE,
        "delegation 1: `process` is `P999`, which is none of: P001, P015",
    ),
    "a delegation by nobody": (
        WORLD + DELEGATION.replace("by =", "bye =") + CASE,
        "delegation 1: `by` is missing",
    ),
    "a confirmer that is nobody": (
        f'{WORLD}{DELEGATION}confirmed_by = ["bia", "nina"]\n{CASE}',
        "delegation 1: `confirmed_by` has `nina`, which is described nowhere",
    ),
    "an end that is none": (
        f'{WORLD}{DELEGATION}ended = "expired"\n{CASE}',
        "delegation 1: `ended` is `expired`, which is none of: renounced, revoked",
    ),
    "an unknown member of a delegation": (
        f"{WORLD}{DELEGATION}last_day = 2026-01-01\n{CASE}",
        "delegation 1: `last_day` is not known here",
    ),
    "a case without a name": (WORLD + CASE.replace("name", "#"), "case 1: `name` is missing"),
    "a case without people": (
        WORLD + CASE.replace("people", "#"),
        "case 1: `people`, `logins` or `subjects` is missing",
    ),
    "a case that asks nobody": (WORLD + CASE.replace('"ana"', "[]"), "case 1: `people` is empty"),
    "a case that asks nothing": (
        WORLD + CASE.replace('"open"', "[]"),
        "case 1: `actions` is empty",
    ),
    "a case of an unknown person": (
        WORLD + CASE + CASE.replace('"ana"', '"nina"'),
        "case 2: `people` has `nina`, which is described nowhere",
    ),
    "a case of an unknown company": (
        WORLD + CASE.replace('"acme"', '"acne"'),
        "case 1: `company` has `acne`, which is described nowhere",
    ),
    "an action that is a number": (
        WORLD + CASE.replace('"open"', "[1]"),
        "case 1: `actions` is of the wrong type",
    ),
    "people that are a number": (
        WORLD + CASE.replace('"ana"', "1"),
        "case 1: `people` is of the wrong type",
    ),
    "an unknown recipient": (
        f'{WORLD}{CASE}recipient = "nina"\n',
        "case 1: `recipient` is `nina`, which is none of: ana, bia, eva",
    ),
    "an unknown member of a case": (
        f"{WORLD}{CASE}process = 'P001'\n",
        "case 1: `process` is not known here",
    ),
    "an expectation that is no list": (
        f"{WORLD}{CASE}[case.allow]\n",
        "case 1: `allow` is of the wrong type",
    ),
    "an expectation about somebody else": (
        f'{WORLD}{CASE}[[case.allow]]\nperson = "bia"\n',
        "allow 1: `person` has `bia`, which the case does not ask",
    ),
    "an expectation about another process": (
        f'{WORLD}{CASE}[[case.deny]]\nprocess = "P001"\n',
        "deny 1: `process` has `P001`, which the case does not ask",
    ),
    "an expectation of no reason": (
        f"{WORLD}{CASE}[[case.deny]]\nreasons = []\n",
        "deny 1: `reasons` is empty",
    ),
    "an unknown member of an expectation": (
        f'{WORLD}{CASE}[[case.allow]]\nreason = "first"\n',
        "allow 1: `reason` is not known here",
    ),
    "the same expected twice": (
        f"{WORLD}{CASE}[[case.allow]]\n[[case.allow]]\n",
        "case 1: `ana open` is expected twice",
    ),
    "allowed and denied": (
        f"{WORLD}{ASKING}[[case.allow]]\n[[case.deny]]\n",
        "case 1: `ana open P001` is expected twice",
    ),
    "a number that is a version": (
        f"{WORLD}{CASE}version = 1.5\n",
        "case 1: `version` is of the wrong type",
    ),
    "a login that cannot be": (
        abroad('"dupont@exemplo.fr"', '" dupont"'),
        "logins.dupont: login: must be 1 to 128 visible characters, no spaces around them",
    ),
    "a login that is a person": (
        abroad("dupont =", "ana ="),
        "logins.ana: has the name of a person",
    ),
    "two logins that are one": (
        abroad('"dupont@exemplo.fr"', '"weber"'),
        "logins.dupont: has the same `login` as another",
    ),
    "an unknown fact of a login": (
        abroad("weber = {}", "weber = { cpf = 1 }"),
        "logins.weber: `cpf` is not known here",
    ),
    "a foreign company that is a national one": (
        abroad("sarl =", "acme ="),
        "foreign.acme: has the name of another company",
    ),
    "two foreign companies with one number": (
        abroad('validation = "unknown"', 'number = "EX00001230"'),
        "foreign.nobody: has the same `number` as another company",
    ),
    "a number that cannot be": (
        abroad("EX-0000123-0", "EX-0000123-1"),
        "foreign.over: number: must be a number with a valid check digit",
    ),
    "a CNPJ for a number": (
        abroad("EX-0000123-0", "52420282000180"),
        "foreign.over: number: must be a foreign company's number, such as EX-0000123-0",
    ),
    "a representative that is nobody": (
        abroad('["dupont"]', '["ana"]'),
        "foreign.over: `representatives` has `ana`, which is described nowhere",
    ),
    "a representative of what is unknown": (
        abroad('"unknown"', '"unknown", representatives = ["weber"]'),
        "foreign.nobody: `representatives` is not known here",
    ),
    "a validation that is none": (
        abroad('"withdrawn"', '"none"'),
        f"foreign.over: `validation` is `none`, which is none of: {VALIDATIONS}",
    ),
    "a day of no validation": (
        abroad('"withdrawn"', '"withdrawn", validated_at = 2026-01-01T00:00:00Z'),
        "foreign.over: validated_at: is known of a validated company, and of no other",
    ),
    "a foreign company in Brazil": (
        abroad('"DE"', '"BR"'),
        "foreign.gmbh: country: must be two letters of ISO 3166-1, such as DE, not BR",
    ),
    "an entity without a type": (
        abroad('type = "robot"', ""),
        "entities.robo: `type` is missing",
    ),
    "an entity of a type of our own": (
        abroad('"robot"', '"process"'),
        "entities.robo: type: `process` is a type of this service's own",
    ),
    "an entity without an id": (
        abroad('"r-1"', '""'),
        "entities.laudo: id: must have 1 to 512 characters",
    ),
    "properties that are a list": (
        abroad('{ status = "open", tags = ["a"] }', "[1]"),
        "entities.laudo: `properties` is of the wrong type",
    ),
    "an entity that is a login": (
        abroad("robo =", "weber ="),
        "entities.weber: has the name of a person or login",
    ),
    "a case of an unknown login": (
        ABROAD + LOGIN.replace('"weber"', '"ana"'),
        "case 1: `logins` has `ana`, which is described nowhere",
    ),
    "a case of an unknown subject": (
        ABROAD + THING.replace('"robo"', '"weber"'),
        "case 1: `subjects` has `weber`, which is described nowhere",
    ),
    "a case of an unknown resource": (
        ABROAD + THING.replace('"laudo"', '"P001"'),
        "case 1: `resources` has `P001`, which is described nowhere",
    ),
    "resources of a company": (
        f'{ABROAD}{THING}company = "acme"\n',
        "case 1: `company` is not known here",
    ),
    "neither a company nor resources": (
        ABROAD + THING.replace("resources", "#"),
        "case 1: `company` is missing",
    ),
    "no resources": (
        ABROAD + THING.replace('"laudo"', "[]"),
        "case 1: `resources` is empty",
    ),
    "the sign-in of a login": (
        f"{ABROAD}{LOGIN}sign_in = {{}}\n",
        "case 1: `sign_in` is at GOV.BR, where only `people` sign in",
    ),
    "evidence that is of no person": (
        f'{WORLD}{CASE}actor_evidence = "inmetro"\n',
        "case 1: `actor_evidence` is `inmetro`, which is none of: asserted, govbr",
    ),
    "an expectation about a process of another service": (
        f'{ABROAD}{THING}[[case.allow]]\nprocess = "laudo"\n',
        "allow 1: `process` is not known here",
    ),
    "an expectation about a login that the case does not ask": (
        f'{ABROAD}{LOGIN}[[case.allow]]\nlogin = "dupont"\n',
        "allow 1: `login` has `dupont`, which the case does not ask",
    ),
    "a context that is a text": (
        f'{WORLD}{CASE}context = "web"\n',
        "case 1: `context` is of the wrong type",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_is_told_with_its_place(text: str, message: str) -> None:
    """A mistyped test would silently test nothing: it is refused, and says where and why."""
    with pytest.raises(SuiteInvalid) as caught:
        expected_of(text)

    assert f"a_test.toml: {message}" == str(caught.value)


UNREADABLE = {
    "not TOML": (b"now = ", "is no TOML: Invalid value (at end of document)"),
    "not UTF-8": (b"# s\xf3cio", "is not UTF-8; save it as UTF-8"),
    "a byte order mark": (
        b"\xef\xbb\xbfnow = 1",
        "begins with a byte order mark; save it as UTF-8 without BOM",
    ),
    "too large": (b"#" * (MAX_BYTES + 1), f"is larger than {MAX_BYTES} bytes"),
    "brackets": (b"now = " + b"[" * 10_000, "is no TOML: "),
    "a huge number": (b"now = " + b"9" * 5_000, "is no TOML: "),
    "a date that cannot be": (b"now = 2026-02-30", "is no TOML: "),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_told(content: bytes, message: str) -> None:
    """Whatever is no TOML in UTF-8 is refused by the name of the file."""
    with pytest.raises(SuiteInvalid) as caught:
        read("sub/a_test.toml", content)

    assert str(caught.value).startswith(f"sub/a_test.toml: {message}")


@given(
    st.lists(st.sampled_from((ABROAD + CASE + STANDING + DELEGATION + LOGIN + THING).split("\n")))
)
def test_any_lines_are_a_test_or_refused(lines: list[str]) -> None:
    """No mixture of lines makes the reading fail otherwise than with its complaint."""
    try:
        asked = expected_of("\n".join([NOW, *lines]))
    except SuiteInvalid as error:
        asked = []
        assert str(error).startswith("a_test.toml: ")  # noqa: PT017 - both ways are right

    assert all(NOON == one.moment for one in asked)


RULES = """
permit(p: Person, "open", _r: Process, "first") if
    p.registered;
forbid(p: Person, "open", _r: Process, "second") if
    not p.confirmed;
permit(p: Person, "delegate", _r: Process, "third") if p.registred;
"""
TESTS = WORLD + ASKING.replace('"it"', '"só quem pode"').replace('"ana"', '["ana", "bia", "eva"]')


def told(folder: Path, text: str) -> list[str]:
    """Run one test file in a folder and give the lines of its differences as they are shown."""
    (folder / "sub").mkdir()
    (folder / "sub" / "a_test.toml").write_text(text, encoding="utf-8")
    return [line for one in run(policy(RULES), folder).differences for line in str(one).split("\n")]


def test_a_difference_reads_like_a_sentence(tmp_path: Path) -> None:
    """It says which file, case and question, what was expected, what is, and by which rule."""
    assert [
        "sub/a_test.toml: só quem pode: ana open P001 for acme",
        "    expected deny",
        "    but is   allow (first)",
        "    rule     rules.polar:2",
        "sub/a_test.toml: só quem pode: bia open P001 for acme",
        "    expected allow (first, third)",
        "    but is   deny (second)",
        "    rule     rules.polar:4",
    ] == told(tmp_path, TESTS + '[[case.allow]]\nperson = "bia"\nreasons = ["first", "third"]\n')


def test_a_difference_in_reasons_alone_counts(tmp_path: Path) -> None:
    """The right answer for another reason than the expected is a difference."""
    right = '[[case.allow]]\nperson = "ana"\nreasons = "first"\n'

    assert [
        "sub/a_test.toml: só quem pode: bia open P001 for acme",
        "    expected deny (no-permit)",
        "    but is   deny (second)",
        "    rule     rules.polar:4",
    ] == told(tmp_path, f'{TESTS}{right}[[case.deny]]\nperson = "bia"\nreasons = "no-permit"\n')


def test_an_error_in_a_rule_is_shown(tmp_path: Path) -> None:
    """A rule that errs is named with its cause."""
    assert [
        "sub/a_test.toml: it: ana delegate P001 for acme",
        "    expected allow (third)",
        "    but is   deny (policy-error)",
        "    rule     rules.polar:6",
        "    error    rules.polar:6: unknown-fact: reads `registred`, which Person does not have",
    ] == told(
        tmp_path,
        WORLD + ASKING.replace("open", "delegate") + '[[case.allow]]\nreasons = "third"\n',
    )


def test_a_run_counts_files_and_questions(tmp_path: Path) -> None:
    """Every test file below the folder is run, and hidden ones are left alone."""
    for file in ("a_test.toml", "sub/b_test.toml", "reasons.toml", ".c_test.toml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(TESTS, encoding="utf-8")

    report = run(policy(RULES), tmp_path)

    assert (2, 6) == (report.files, report.asked)
    assert {"a_test.toml", "sub/b_test.toml"} == {one.file for one in report.differences}


def test_an_empty_folder_asks_nothing(tmp_path: Path) -> None:
    """Where there are no tests, nothing was asked; who calls decides what that means."""
    report = run(policy(RULES), tmp_path)

    assert (0, 0, ()) == (report.files, report.asked, report.differences)


def test_a_broken_file_stops_the_run(tmp_path: Path) -> None:
    """A test that cannot be read is an error and not a pass."""
    (tmp_path / "a_test.toml").write_text("now = 1", encoding="utf-8")

    with pytest.raises(SuiteInvalid):
        run(policy(RULES), tmp_path)


def test_the_policy_is_asked_what_the_file_says(tmp_path: Path) -> None:
    """The policy gets the question and the facts at the frozen moment, nothing else."""
    asked: list[tuple[Question, Facts]] = []

    def answer(question: Question, known: Facts) -> Decision:
        asked.append((question, known))
        return Decision(
            allowed=False, reasons=("no-permit",), errors=(RuleError("a.polar:1", "x"),)
        )

    (tmp_path / "a_test.toml").write_text(WORLD + DELEGATION + ASKING, encoding="utf-8")
    report = run(ScriptedPolicy(answer), tmp_path)

    [one] = expected_of(WORLD + DELEGATION + ASKING)
    assert () == report.differences
    assert [(one.question, facts(one))] == asked
