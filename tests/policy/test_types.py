"""What cannot be meant is told with its place, and never passed over in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.vocabulary import VOCABULARY
from tests.policy.compiled import policy
from tests.policy.facts import BIA, FOREIGN, FROM_ABROAD, OPEN, READ, READ_RECORD, facts

HEAD = 'forbid(p: Person, "open", r: Process, "second") if\n'
USED = "\n    and p.confirmed and r.id != nil;"
PERMIT = 'permit(_p: Person, "open", _r: Process, "first");'
ROLES = "colaborador, contador, nao_atuante, none, outro, representante_legal, socio"
ENTITY = "an entity is compared with nil only"

WORDS = "`r.state` is always one of the words: closed, open, unknown"
FLAG = "true or false can never be equal to that"
UNLIKE = "a text can never be equal to a number"
NEVER = "is never that; it looks like"
ORDER = "has no order; only texts and numbers have"
UNFIT = "no rule `speaks` takes what it is asked with"

SILENT = {
    "a word that is none": (
        'r.state = "opne"',
        1,
        "`opne` is none of its words: closed, open, unknown",
    ),
    "a word in a list that is none": (
        'r.company.standing.role in ["socio", "sócio"]',
        38,
        f"`sócio` is none of its words: {ROLES}",
    ),
    "a text or number beside yes or no": (
        "r.version = p.registered",
        1,
        "a text or number can never be equal to that",
    ),
    "a word beside a number": (
        "r.state = 1",
        1,
        WORDS,
    ),
    "a word beside nil": ("r.state != nil", 1, WORDS),
    "words of two kinds": (
        "r.state = r.company.standing.evidence",
        1,
        "the two have no word in common",
    ),
    "a word beside a flag": (
        "r.state = p.registered",
        1,
        WORDS,
    ),
    "a flag beside a text": (
        'p.registered = "true"',
        1,
        FLAG,
    ),
    "a flag beside a number": ("1 = p.registered", 1, FLAG),
    "a flag beside nil": ("p.registered != nil", 1, FLAG),
    "a flag beside an opaque value": (
        "p.registered = r.code",
        1,
        FLAG,
    ),
    "a version beside true": ("r.version = true", 1, f"`r.version` {NEVER} 3"),
    "a version beside a text": ('r.version != "3"', 1, f"`r.version` {NEVER} 3"),
    "a version beside a fraction": ("r.version = 3.5", 1, f"`r.version` {NEVER} 3"),
    "a version above a text": ('r.version > "3"', 1, f"`r.version` {NEVER} 3"),
    "a version beside a code": ("r.version = r.code", 1, UNLIKE),
    "a code above a version": ("r.code > r.version", 1, UNLIKE),
    "a word beside a version": ("r.state = r.version", 1, WORDS),
    "days beside a text": (
        'r.company.standing.days <= "7"',
        1,
        f"`r.company.standing.days` {NEVER} 7",
    ),
    "days beside a fraction": (
        "r.company.standing.days <= 7.5",
        1,
        f"`r.company.standing.days` {NEVER} 7",
    ),
    "days below nothing": (
        "r.company.standing.days >= -1",
        1,
        f"`r.company.standing.days` {NEVER} 7",
    ),
    "whether a cadastrador beside a flag": (
        "r.company.standing.cadastrador = true",
        1,
        "`r.company.standing.cadastrador` is always one of the words: no, unknown, yes",
    ),
    "a level in Portuguese": (
        'r.question.sign_in.level in ["gold", "ouro"]',
        38,
        "`ouro` is none of its words: bronze, gold, none, silver",
    ),
    "minutes beside a CNPJ": (
        "r.question.sign_in.minutes = r.company.cnpj",
        1,
        UNLIKE,
    ),
    "a sign-in beside a text": ('r.question.sign_in = "handle"', 1, ENTITY),
    "a code beside a number": ("r.code < 3", 1, f'`r.code` {NEVER} "P061"'),
    "a code in small letters": ('r.code in ["P001", "p001"]', 20, f'`r.code` {NEVER} "P061"'),
    "a CPF with its punctuation": (
        'p.cpf = "722.684.025-17"',
        1,
        f'`p.cpf` {NEVER} "00000000191"',
    ),
    "a CPF as a number": ("p.cpf in [72268402517]", 11, f'`p.cpf` {NEVER} "00000000191"'),
    "a CNPJ with its punctuation": (
        'r.company.cnpj = "52.420.282/0001-80"',
        1,
        f'`r.company.cnpj` {NEVER} "52420282000180"',
    ),
    "an id that is a code": ('r.id = "P061"', 1, f'`r.id` {NEVER} "p061-registro"'),
    "a version in an order with nil": ("r.version < nil", 1, f"`nil` {ORDER}"),
    "a helper's other word": (
        'exactly("opened")',
        1,
        "no rule `exactly` takes what it is asked with",
    ),
    "a flag in an order": ("p.registered < 1", 1, f"`p.registered` {ORDER}"),
    "a word in an order": ('r.state < "open"', 1, f"`r.state` {ORDER}"),
    "true in an order": ("r.version < true", 1, f"`true` {ORDER}"),
    "two entities": ("r.question.recipient = p", 1, ENTITY),
    "an entity beside a text": ('r.company = "52420282000180"', 1, ENTITY),
    "a text beside an entity": ("r.code = r.company", 1, ENTITY),
    "an entity in an order": ("r.company < nil", 1, ENTITY),
    "an entity that is never nil": ("r.delegation = nil", 1, "the Delegation here is never nil"),
    "a validation in Portuguese": (
        'r.company.validation = "validada"',
        1,
        "`validada` is none of its words: none, pending, unknown, validated, withdrawn",
    ),
    "a company's number with its hyphens": (
        'r.company.id = "EX-0000123-0"',
        1,
        f'`r.company.id` {NEVER} "EX00001230"',
    ),
    "the CNPJ of what has none": (
        'r.company.cnpj = "EX00001230"',
        1,
        f'`r.company.cnpj` {NEVER} "52420282000180"',
    ),
    "evidence that is of no person": (
        'r.question.actor_evidence = "inmetro"',
        1,
        "`inmetro` is none of its words: asserted, govbr",
    ),
    "two fixed values": ('"a" = "a"', 1, "compares two fixed values"),
    "a bag": ("r.question.context = nil", 1, "a bag can never be equal to that"),
    "two bags": (
        "r.question.context = r.question.properties",
        1,
        "a bag can never be equal to that",
    ),
    "an empty list": ("r.state in []", 1, "nothing is in an empty list"),
    "a helper that wants another entity": (
        "speaks(r.company)",
        1,
        UNFIT,
    ),
    "a helper that wants an entity, asked with a word": (
        "speaks(r.state)",
        1,
        UNFIT,
    ),
    "a helper that wants an entity, asked with a fixed value": (
        'speaks("socio")',
        1,
        UNFIT,
    ),
    "half a helper whose word is none": (
        "half(r.company, r.state)",
        17,
        "`half` at rules.polar:12: `opne` is none of its words: closed, open, unknown",
    ),
    "a helper whose word is none": (
        "named(r.state)",
        7,
        "`named` at rules.polar:8: `opne` is none of its words: closed, open, unknown",
    ),
}
HELPERS = (
    "speaks(s: Standing) if s.in_force;\n"
    'named("open");\n'
    'named("opne");\n'
    "any(_x);\n"
    "mixed(s: Standing, _x) if s.in_force;\n"
    "mixed(c: Company, 1) if c.standing.in_force;\n"
    'half(_c: Company, "opne");\n'
    'half(_c: Company, "open");\n'
    "loose(x) if x.in_force;\n"
    'exactly("open");\n'
    'exactly("closed");\n'
)
FINE = (
    'r.state = "open"',
    'r.state in ["open", "unknown"]',
    "r.company.standing.role = r.delegation.backing.role",
    "r.state = r.code",
    "r.code = r.state",
    "p.registered = true",
    "p.registered != p.confirmed",
    "r.version = 3",
    "r.version < 3",
    '"P" < r.code',
    "r.version <= r.delegation.version",
    "r.company.standing.days <= 7",
    "r.company.standing.days != nil and 365 >= r.delegation.backing.days",
    "r.company.standing.days <= r.delegation.backing.days",
    'r.company.standing.cadastrador != "no"',
    "r.question.sign_in != nil and r.question.sign_in.cnpj = r.company.cnpj",
    "r.question.sign_in != nil and r.question.sign_in.minutes < 5",
    "(r.question.sign_in = nil or not r.question.sign_in.agent)",
    'r.question.sign_in.method = "certificate"',
    'r.company.origin = "foreign"',
    'r.company.id = "EX00001230"',
    'r.company.standing.evidence = "inmetro"',
    "r.company.id = r.company.cnpj",
    "r.company.cnpj = nil",
    "r.version != nil",
    'r.code = "P061"',
    'r.id in ["p061-registro", "p001"]',
    'p.cpf = "00000000191"',
    'r.company.cnpj = "12ABC34501DE35"',
    'exactly("open")',
    'exactly("closed")',
    "r.question.recipient = nil",
    "nil != r.question.recipient",
    "r.question.context.soft = true",
    "r.question.context.amount < 3",
    "r.question.context.a.b = r.state",
    'r.question.actor_evidence = "govbr"',
    "r.state = r.question.context.x",
    "p.registered = r.question.context.x",
    "loose(r.company.standing)",
    "speaks(r.company.standing)",
    "any(r.company)",
    'any("x")',
    "mixed(r.company, 1)",
    "mixed(r.delegation.backing, r.state)",
    "mixed(r.question.context.x, 1)",
)
LATE = {
    "a misspelt fact": (
        "p.registred",
        3,
        "Person has no fact `registred`; there are: cpf, registered, confirmed",
    ),
    "a misspelt fact in a comparison": (
        "r.delegaton.state = 1",
        3,
        f"Process has no fact `delegaton`; there are: {', '.join(VOCABULARY['Process'].facts)}",
    ),
    "a fact of a word": ("r.state.size = 1", 9, "`size` is read from what has no facts"),
    "a fact of an opaque value": ("r.code.size = 1", 8, "`size` is read from what has no facts"),
}


def compiled(body: str) -> CompiledPolicy:
    """Compile a permit, and a forbid with *body* in its third line."""
    return policy(f"{PERMIT}\n{HEAD}{body}{USED}\n\n{HELPERS}")


@pytest.mark.parametrize(("body", "column", "message"), SILENT.values(), ids=SILENT)
def test_a_silent_mistake_is_told_and_errs(body: str, column: int, message: str) -> None:
    """Where oso would see no match, the check tells the place, and the decision is a denial."""
    mistaken = compiled(body)

    [flaw] = mistaken.flaws
    assert ("rules.polar", 3, column, message) == (
        flaw.file,
        flaw.line,
        flaw.column,
        flaw.message,
    )
    decision = mistaken.evaluate(OPEN, facts())
    assert (False, ("policy-error",)) == (decision.allowed, decision.reasons)
    assert [("rules.polar:2", f"flaw: {flaw}")] == [
        (one.rule, one.cause) for one in decision.errors
    ]


@pytest.mark.parametrize("body", FINE)
def test_what_can_be_meant_is_left_alone(body: str) -> None:
    """A comparison or call that depends on the facts is no flaw."""
    assert () == compiled(body).flaws


@pytest.mark.parametrize(("body", "column", "message"), LATE.values(), ids=LATE)
def test_what_will_raise_is_told(body: str, column: int, message: str) -> None:
    """A misspelt fact is told with those that there are; asked, it raises by itself."""
    late = compiled(body)

    [flaw] = late.flaws
    assert (3, column, message) == (flaw.line, flaw.column, flaw.message)
    [error] = late.evaluate(OPEN, facts()).errors
    assert not error.cause.startswith("flaw")


def test_a_flaw_of_a_helper_is_a_flaw_of_who_asks_it() -> None:
    """Over several helpers, too; rules that do not ask them go on."""
    text = (
        f"{PERMIT}\n"
        'permit(_p: Person, "delegate", r: Process, "second") if first(r);\n'
        "first(r: Process) if second(r);\n"
        'second(r: Process) if r.state = "opne";\n'
    )
    mistaken = policy(text)

    assert mistaken.evaluate(OPEN, facts()).allowed
    [error] = mistaken.evaluate(replace(OPEN, action="delegate"), facts()).errors
    assert "flaw: rules.polar:4:23" in error.cause


@pytest.mark.parametrize(
    ("action", "resource"),
    [('"open"', "r"), ("_a", "r: Process"), ('"open"', "r: Process"), ("_a", "r")],
)
def test_a_flaw_errs_for_what_the_rule_is_about(action: str, resource: str) -> None:
    """A rule about one action or one class leaves questions about others alone."""
    read = 'permit(_p: Person, "read_delegations", _c: Company, "first");'
    flawed = f'forbid(_p, {action}, {resource}, "second") if "a" = "b" and any(r);\nany(_x);'
    mistaken = policy(f"{PERMIT}\n{read}\n{flawed}")

    assert ("policy-error",) == mistaken.evaluate(OPEN, facts()).reasons
    concerned = (action, resource) == ("_a", "r")
    assert concerned is not mistaken.evaluate(READ, facts(READ)).allowed


def test_an_action_in_a_comparison_is_one_of_the_actions() -> None:
    """A misspelt action in a condition is as silent as one in a head."""
    text = f'{PERMIT}\nforbid(_p, a, _r, "second") if a in ["open", "opne"];'

    [flaw] = policy(text).flaws
    assert "`opne` is none of its words" in flaw.message


def test_an_undeclared_reason_is_told() -> None:
    """A reason that is missing in reasons.toml, or the code's own, is told before it is given."""
    text = "\n".join(
        f'permit(_p: Person, "{action}", _r: Process, "{reason}");'
        for action, reason in (("open", "fourth"), ("delegate", "no-permit"), ("revoke", "first"))
    )
    flawed = policy(text)

    assert [(1, 41), (2, 45)] == [(one.line, one.column) for one in flawed.flaws]
    [error] = flawed.evaluate(OPEN, facts()).errors
    assert error.cause.startswith("unknown-reason")


def test_a_recipient_handed_on_without_a_look_errs() -> None:
    """Nil for a helper that wants a person is an error; the recipient, if there is one, is not."""
    text = (
        f"{PERMIT}\n"
        'forbid(_p: Person, "open", r: Process, "second") if unconfirmed(r.question.recipient);\n'
        "unconfirmed(x: Person) if not x.confirmed;"
    )
    compiled_policy = policy(text)

    assert () == compiled_policy.flaws
    assert ("policy-error",) == compiled_policy.evaluate(OPEN, facts()).reasons
    asked = replace(OPEN, recipient=BIA)
    assert compiled_policy.evaluate(asked, facts(asked)).allowed


def test_a_resource_without_a_class_is_what_its_action_is_about() -> None:
    """Who leaves the class out is still told of a word that no fact has."""
    process = 'forbid(_p, "open", r, "second") if r.company.standing.role = "sócio";'
    company = 'forbid(_p, "read_delegations", c, "second") if c.standing.role = "sócio";'

    assert [(2, 36), (3, 48)] == [
        (one.line, one.column) for one in policy(f"{PERMIT}\n{process}\n{company}").flaws
    ]


THEIRS = {
    "an action that is a number": ("a = 1", '`a` is never that; it looks like "read"'),
    "a text below a version": (
        "a < r.question.recipient",
        ENTITY,
    ),
    "a type that is the house's own": (
        'r.type = "process"',
        '`r.type` is never that; it looks like "record"',
    ),
    "a type of who acts that is the house's own": (
        's.type in ["robot", "person"]',
        '`s.type` is never that; it looks like "record"',
    ),
    "an id that is a number": ("r.id = 1", '`r.id` is never that; it looks like "record-1"'),
    "a bag": ("r.properties = nil", "a bag can never be equal to that"),
    "an actor": ("s = nil", "the Subject here is never nil"),
    "a fact that nothing of another's has": (
        "r.state = 1",
        "Resource has no fact `state`; there are: type, id, properties, question",
    ),
    "a fact that no subject has": (
        "s.cpf = 1",
        "Subject has no fact `cpf`; there are: type, id, properties",
    ),
}
THEIRS_FINE = (
    'a = "read"',
    'a in ["read", "Ler laudo", "open"]',
    "a = r.properties.action",
    "a = r.type",
    'r.type = "report"',
    "s.id = r.properties.owner",
    's.properties.role = "admin"',
    "r.properties.soft = true",
    "r.properties.limit < 3",
    "s.type = r.type",
    "s.id = r.id",
)


def theirs(body: str) -> CompiledPolicy:
    """Compile a forbid with *body* that is about what another service owns."""
    head = 'forbid(s: Subject, a, r: Resource, "second") if'
    return policy(f"{PERMIT}\n{head}\n{body}\n    and s.id != a and r.id != nil;")


@pytest.mark.parametrize(("body", "message"), THEIRS.values(), ids=THEIRS)
def test_a_mistake_about_what_others_own_is_told(body: str, message: str) -> None:
    """The facts of subjects and resources have types as well, and actions have any name."""
    [flaw] = theirs(body).flaws

    assert (3, message) == (flaw.line, flaw.message)


@pytest.mark.parametrize("body", THEIRS_FINE)
def test_what_others_own_may_be_called_anything(body: str) -> None:
    """What can be meant of subjects, resources and their actions is no flaw."""
    assert () == theirs(body).flaws


GIVE = "may be of any class here"
ANYBODY = {
    "a fact": ("p.registered", 3),
    "a fact in a comparison": ('p.cpf = "00000000191"', 3),
    "a helper for persons": ("good(p)", 6),
    "a helper for persons and logins": ("known(p)", 7),
}
HELPERS_OF_ACTORS = """
good(p: Person) if p.registered;
known(p: Person) if p.confirmed;
known(l: Login) if l.login != nil;
anybody(_p: Person);
anybody(_p: Login);
anybody(_p: Subject);
any(_x);
"""


@pytest.mark.parametrize(("body", "column"), ANYBODY.values(), ids=ANYBODY)
def test_who_may_be_anybody_is_only_a_name(body: str, column: int) -> None:
    """Who acts without a class is told where a fact or a helper wants to know the class."""
    text = f'{PERMIT}\nforbid(p, "open", _r: Process, "second") if\n{body};{HELPERS_OF_ACTORS}'

    [flaw] = policy(text).flaws
    assert (3, column, f"`p` {GIVE}") == (flaw.line, flaw.column, flaw.message)


@pytest.mark.parametrize("body", ["anybody(p)", "any(p)"])
def test_a_helper_may_be_asked_about_anybody(body: str) -> None:
    """One with an alternative for each class of actors, or without a class, takes all of them."""
    text = f'{PERMIT}\nforbid(p, "open", _r: Process, "second") if\n{body};{HELPERS_OF_ACTORS}'
    compiled_policy = policy(text)

    assert () == compiled_policy.flaws
    for question, known in ((OPEN, facts()), (FROM_ABROAD, facts(FROM_ABROAD, FOREIGN))):
        assert ("second",) == compiled_policy.evaluate(question, known).reasons


@pytest.mark.parametrize("body", ["p = nil", 'p = "ana"', "p != r"])
def test_who_may_be_anybody_is_compared_with_nothing(body: str) -> None:
    """An actor is an entity of whatever class, and entities are not compared."""
    text = f'{PERMIT}\nforbid(p, "open", r: Process, "second") if {body} and any(r);\nany(_x);'
    [flaw] = policy(text).flaws

    expected = "the actor here is never nil" if "nil" in body else ENTITY
    assert expected == flaw.message


def test_a_fact_of_anybody_errs_for_those_who_do_not_have_it() -> None:
    """The flaw is only told: persons are decided as before, for others the rule errs."""
    text = f'{PERMIT}\nforbid(p, "open", _r: Process, "second") if not p.registered;'
    compiled_policy = policy(text)

    assert compiled_policy.evaluate(OPEN, facts()).allowed
    [error] = compiled_policy.evaluate(FROM_ABROAD, facts(FROM_ABROAD, FOREIGN)).errors
    assert "unknown-fact: reads `registered`, which Login does not have" == error.cause


@pytest.mark.parametrize("actor", ["Person", "Login", "Subject"])
def test_a_flaw_errs_for_whom_the_rule_is_about(actor: str) -> None:
    """A broken rule about logins does not lock out persons, and the other way round."""
    flawed = f'forbid(_p: {actor}, _a, _r, "second") if "a" = "b";'
    mistaken = policy(f"{PERMIT}\n{flawed}")

    erred = {
        name
        for name, question, known in (
            ("Person", OPEN, facts()),
            ("Login", FROM_ABROAD, facts(FROM_ABROAD, FOREIGN)),
            ("Subject", READ_RECORD, facts(READ_RECORD)),
        )
        if mistaken.evaluate(question, known).errors
    }
    assert {actor} == erred


def test_a_flaw_errs_for_an_action_as_polar_sees_it() -> None:
    """A rule about `other` is about whatever action no rule names, so its flaw errs there."""
    flawed = 'forbid(_s: Subject, "other", _r: Resource, "second") if "a" = "b";'
    mistaken = policy(f'{PERMIT}\npermit(_s: Subject, "read", _r: Resource, "first");\n{flawed}')

    assert mistaken.evaluate(READ_RECORD, facts(READ_RECORD)).allowed
    for action in ("other", "write"):
        asked = replace(READ_RECORD, action=action)
        assert mistaken.evaluate(asked, facts(asked)).errors
