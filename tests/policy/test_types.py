"""What cannot be meant is told with its place, and never passed over in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_service.policy.bundle import CompiledPolicy
from authz_service.policy.vocabulary import VOCABULARY
from tests.policy.compiled import policy
from tests.policy.facts import BIA, OPEN, READ, facts

HEAD = 'forbid(p: Person, "open", r: Process, "second") if\n'
USED = "\n    and p.confirmed and r.id != nil;"
PERMIT = 'permit(_p: Person, "open", _r: Process, "first");'
ROLES = "colaborador, contador, nao_atuante, none, outro, representante_legal, socio"
ENTITY = "an entity is compared with nil only; compare what names it, such as `cpf`"

WORDS = "is always one of the words: closed, open, unknown"
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
    "a version beside true": ("r.version = true", 1, f"{NEVER} 3"),
    "a version beside a text": ('r.version != "3"', 1, f"{NEVER} 3"),
    "a version beside a fraction": ("r.version = 3.5", 1, f"{NEVER} 3"),
    "a version above a text": ('r.version > "3"', 1, f"{NEVER} 3"),
    "a version beside a code": ("r.version = r.code", 1, UNLIKE),
    "a code above a version": ("r.code > r.version", 1, UNLIKE),
    "a word beside a version": ("r.state = r.version", 1, WORDS),
    "days beside a text": ('r.company.standing.days <= "7"', 1, f"{NEVER} 7"),
    "days beside a fraction": ("r.company.standing.days <= 7.5", 1, f"{NEVER} 7"),
    "days below nothing": ("r.company.standing.days >= -1", 1, f"{NEVER} 7"),
    "whether a cadastrador beside a flag": (
        "r.company.standing.cadastrador = true",
        1,
        "is always one of the words: no, unknown, yes",
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
    "a code beside a number": ("r.code < 3", 1, f'{NEVER} "P061"'),
    "a code in small letters": ('r.code in ["P001", "p001"]', 20, f'{NEVER} "P061"'),
    "a CPF with its punctuation": (
        'p.cpf = "722.684.025-17"',
        1,
        f'{NEVER} "00000000191"',
    ),
    "a CPF as a number": ("p.cpf in [72268402517]", 11, f'{NEVER} "00000000191"'),
    "a CNPJ with its punctuation": (
        'r.company.cnpj = "52.420.282/0001-80"',
        1,
        f'{NEVER} "52420282000180"',
    ),
    "an id that is a code": ('r.id = "P061"', 1, f'{NEVER} "p061-registro"'),
    "a version in an order with nil": ("r.version < nil", 1, ORDER),
    "a helper's other word": (
        'exactly("opened")',
        1,
        "no rule `exactly` takes what it is asked with",
    ),
    "a flag in an order": ("p.registered < 1", 1, ORDER),
    "a word in an order": ('r.state < "open"', 1, ORDER),
    "true in an order": ("r.version < true", 1, ORDER),
    "two entities": ("r.question.recipient = p", 1, ENTITY),
    "an entity beside a text": ('r.company = "52420282000180"', 1, ENTITY),
    "a text beside an entity": ("r.code = r.company", 1, ENTITY),
    "an entity in an order": ("r.company < nil", 1, ENTITY),
    "an entity that is never nil": ("r.delegation = nil", 1, "the Delegation here is never nil"),
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
