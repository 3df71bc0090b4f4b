"""The tests beside the policies: what a file says is what is asked, and of whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from authz_service.domain.decision import CompanyAsked
from authz_service.domain.delegation import DelegationState, EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import (
    CompanyFacts,
    LoginFacts,
    PersonFacts,
    ResourceFacts,
    SignInFacts,
    SubjectFacts,
)
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId
from authz_service.domain.people import Evidence, Role
from tests.fakes.clock import NOON
from tests.policy.worlds import (
    ABROAD,
    ASKING,
    CASE,
    DELEGATION,
    LOGIN,
    NOW,
    STANDING,
    THING,
    WORLD,
    company_of,
    expected_of,
    facts,
    process,
)


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


def test_who_is_no_person_may_be_asserted_to_act() -> None:
    """What is refused is evidence that only a person can have."""
    asked = expected_of(
        f'{ABROAD}{LOGIN}actor_evidence = "asserted"\n{THING}actor_evidence = "asserted"\n'
    )

    assert [Evidence.ASSERTED] * 2 == [one.question.actor_evidence for one in asked]


def test_a_question_has_the_line_of_its_case() -> None:
    """An author finds the case that a question comes from; how it is written does not matter."""
    several = f"# [[case]]\n{WORLD}  [[case]]{ASKING.removeprefix('[[case]]')}\n\n{ASKING}"
    inline = (
        f'case = [{{name = "it", people = "ana", actions = "open", company = "acme"}}]\n{WORLD}'
    )
    quoted = (
        f'"case" = [{{name = "it", people = "ana", actions = "open", company = "acme"}}]\n{WORLD}'
    )

    text = several.splitlines()
    lines = [one.line for one in expected_of(several)]

    assert [
        number for number, one in enumerate(text, start=1) if one.strip() == "[[case]]"
    ] == lines
    assert [1, 0] == [one.line for text in (inline, quoted) for one in expected_of(text)]


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
