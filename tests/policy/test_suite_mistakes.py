"""The tests beside the policies: every mistake in a file is refused, and told with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.people import Role
from authz_service.policy.reading.text import MAX_BYTES
from authz_service.policy.suites.suite import read
from authz_service.policy.suites.tables import SuiteInvalid
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
    expected_of,
)

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
    "a version of a question that cannot be": (
        f"{WORLD}{ASKING}version = 0\n",
        "case 1: version: must be from 1 to 999999",
    ),
    "a version of a delegation that cannot be": (
        f"{WORLD}{DELEGATION}version = -3\n{ASKING}",
        "delegation 1: version: must be from 1 to 999999",
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
    "the sign-in of a subject beside a person": (
        f'{ABROAD}{ASKING}subjects = "robo"\nsign_in = {{}}\n',
        "case 1: `sign_in` is at GOV.BR, where only `people` sign in",
    ),
    "a login that GOV.BR knows": (
        f'{ABROAD}{LOGIN}actor_evidence = "govbr"\n',
        "case 1: `actor_evidence` is `govbr`, which only `people` can have",
    ),
    "a subject that GOV.BR knows": (
        f'{ABROAD}{THING}actor_evidence = "govbr"\n',
        "case 1: `actor_evidence` is `govbr`, which only `people` can have",
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
    "not UTF-8": (b"# s\xf3cio", "is not UTF-8; it looks like Latin-1"),
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
