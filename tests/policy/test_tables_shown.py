"""Decision tables in words: every cell, Markdown and HTML, in Portuguese and in English."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import combinations, product
from pathlib import Path

import pytest

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.domain.facts import PersonFacts, ProcessFacts
from authz_service.policy.border.probes import (
    ROOTS,
    Asks,
    Compares,
    Constant,
    IsNil,
    Outcome,
    Probe,
    Read,
)
from authz_service.policy.bundle import collect, digest_of, examined, policy_of
from authz_service.policy.kinds import Choice, Link
from authz_service.policy.showing import portuguese
from authz_service.policy.showing.decision_tables import (
    Answer,
    Column,
    Condition,
    DecisionTable,
    Row,
    column_of,
    tables_of,
)
from authz_service.policy.showing.table_texts import TEXTS
from authz_service.policy.showing.table_words import Words
from authz_service.policy.showing.tables_html import html
from authz_service.policy.showing.tables_markdown import markdown
from authz_service.policy.vocabulary import ACTORS, BY_TYPE, RESOURCES, VOCABULARY
from tests.policy.compiled import CODES, policy

TREE = Path(__file__).parents[2]
ALL_CODES = (*BUILT_IN_REASONS, *CODES)
PERMIT = 'permit(_p: Person, "open", _r: Process, "first");'
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
STATE, AGENT = "process.state", "process.question.sign_in.agent"
ROLE, DAYS = "process.company.standing.role", "process.company.standing.days"
SOFT, VERSION, CPF = "process.question.context.soft", "process.version", "person.cpf"
LENT = "process.delegation.version"


def table_of(*conditions: Condition) -> DecisionTable:
    """Give a table of one row."""
    row = Row(Answer.ALLOWED, ("first",), (), "rules.polar:1", conditions)
    return DecisionTable(("open",), ((PersonFacts, ProcessFacts),), (row,), ())


def cell(probe: Probe, *outcomes: Outcome, language: str = "pt") -> str:
    """Give the cell of a condition."""
    table = table_of(Condition(probe, frozenset(outcomes)))
    return Words(language, policy(PERMIT)).cell(table.rows[0], column_of(probe))


def tables(rules: str) -> tuple[DecisionTable, ...]:
    """Give the tables of *rules*."""
    return tables_of(policy(rules).explore().rules, ALL_CODES)


def page(rules: str, language: str = "pt") -> str:
    """Give the Markdown of *rules*."""
    compiled = policy(rules)
    return markdown(tables(rules), Words(language, compiled), compiled.digest)


def web_page(rules: str, language: str = "pt") -> str:
    """Give the HTML of *rules*."""
    compiled = policy(rules)
    return html(tables(rules), Words(language, compiled), compiled.digest, NOON)


def days(op: str, value: float | bool | str | None) -> Compares:
    """Give a comparison of an age."""
    return Compares(op, DAYS, Constant(type(value).__name__, value))


@pytest.mark.parametrize(
    ("probe", "outcomes", "pt", "en"),
    [
        (Read(AGENT), (True,), "sim", "yes"),
        (Read(AGENT), (False, True), "sim ou não", "yes or no"),
        (Read(ROLE), ("socio", "contador"), "contador ou sócio", "contador or socio"),
        (IsNil(DAYS), (True,), "não há", "there is none"),
        (IsNil(DAYS), (False,), "há", "there is"),
        (
            Asks(SOFT),
            ("opaque", "nil", False),
            "não ou não informado ou outro valor",
            "no or not asserted or another value",
        ),
        (days("Leq", 7), (True,), "≤ 7", "≤ 7"),
        (days("Leq", 7), (False,), "> 7", "> 7"),
        (
            days("Lt", 7),
            (True, "nil has no order", "another"),
            "< 7 ou não comparável com 7",
            "< 7 or not comparable with 7",
        ),
        (Compares("Lt", Constant("int", 7), DAYS), (True,), "> 7", "> 7"),
        (Compares("Eq", SOFT, Constant("bool", value=True)), (True,), "= sim", "= yes"),
        (Compares("Neq", SOFT, Constant("str", "x")), (True,), "≠ “x”", "≠ “x”"),
        (Compares("Lt", SOFT, Constant("NoneType", None)), (True,), "< nil", "< nil"),
        (Compares("Eq", VERSION, LENT), (True,), "① = ②", "① = ②"),
        (Compares("Eq", VERSION, LENT), (False,), "① ≠ ②", "① ≠ ②"),
        (
            Compares("Lt", VERSION, LENT),
            ("nil has no order",),
            "① não comparável com ②",
            "① not comparable with ②",
        ),
    ],
    ids=[
        "yes",
        "either",
        "words",
        "nothing",
        "something",
        "asserted",
        "at most",
        "more",
        "no order",
        "turned",
        "flag",
        "text",
        "nil",
        "same",
        "different",
        "incomparable",
    ],
)
def test_a_cell_says_in_words_what_may_come_out(
    probe: Probe, outcomes: tuple[Outcome, ...], pt: str, en: str
) -> None:
    """Each kind of condition reads like a word or a short formula, in both languages."""
    assert (pt, en) == (
        cell(probe, *outcomes),
        cell(probe, *outcomes, language="en"),
    )


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (Compares("Eq", CPF, Constant("str", "72268402517")), "= [cpf]"),
        (Compares("Eq", "login.login", Constant("str", "weber")), "= [login]"),
        (Compares("Eq", SOFT, Constant("str", "72268402517")), "= “[cpf]”"),
        (Compares("Eq", SOFT, Constant("int", 72268402517)), "= [cpf]"),
    ],
    ids=["cpf", "login", "asserted", "number"],
)
def test_a_person_in_a_rule_is_in_no_table(probe: Probe, said: str) -> None:
    """What a rule compares with a person's number or name is hidden, and a CPF anywhere."""
    assert said == cell(probe, True)


def test_two_conditions_on_one_fact_share_a_cell() -> None:
    """Both have to be, so that both are told."""
    table = table_of(
        Condition(days("Geq", 2), frozenset([True])), Condition(days("Leq", 7), frozenset([True]))
    )

    assert "≥ 2 e ≤ 7" == Words("pt", policy(PERMIT)).cell(table.rows[0], Column((DAYS,)))


def test_what_does_not_matter_is_a_dash() -> None:
    """A cell without a condition is not empty, which could be a mistake."""
    row = table_of().rows[0]

    assert "—" == Words("pt", policy(PERMIT)).cell(row, Column((DAYS,)))


@pytest.mark.parametrize(
    ("paths", "pt", "en"),
    [
        ((ROLE,), ("atuação", "papel"), ("process › company › standing", "role")),
        ((SOFT,), ("contexto", "soft"), ("process › question › context", "soft")),
        (("person",), ("", "pessoa"), ("", "person")),
        (
            (VERSION, LENT),
            ("comparações", "① processo › versão, ② delegação › versão"),
            ("comparisons", "① process › version, ② process › delegation › version"),
        ),
    ],
    ids=["fact", "asserted", "actor", "two facts"],
)
def test_a_heading_names_the_fact_and_whose_it_is(
    paths: tuple[str, ...], pt: tuple[str, str], en: tuple[str, str]
) -> None:
    """In Portuguese by what leads to it, in English by all of its path."""
    for language, said in (("pt", pt), ("en", en)):
        found = Words(language, policy(PERMIT)).heading(Column(paths))
        assert (*said, paths) == (found.group, found.name, found.paths)


def paths_below(entity: str, path: str) -> list[str]:
    """Give every path from an entity on."""
    found = []
    for name, fact in VOCABULARY[entity].facts.items():
        found.append(f"{path}.{name}")
        if isinstance(fact, Link):
            found += paths_below(BY_TYPE[fact.entity].name, f"{path}.{name}")
    return found


@pytest.mark.parametrize(
    ("actor", "resource"), [*product(ACTORS, RESOURCES)], ids=lambda name: str(name).lower()
)
def test_no_two_facts_of_a_question_have_one_heading(actor: str, resource: str) -> None:
    """Two names in Portuguese are enough to tell facts of one table apart."""
    words = Words("pt", policy(PERMIT))
    paths = [
        path
        for entity in (actor, resource)
        for path in paths_below(entity, entity.lower())
        # It is the question of the process itself.
        if not path.startswith("process.company.question")
    ]
    headings = [(words.heading(Column((path,))), path) for path in paths]

    for (one, path), (other, another) in combinations(headings, 2):
        assert (one.group, one.name) != (other.group, other.name), f"{path} {another}"


def test_the_whole_vocabulary_has_portuguese_names() -> None:
    """Every fact with every word of it, every entity that stands at the root; nothing else."""
    assert {entity.name: set(entity.facts) for entity in VOCABULARY.values()} == {
        name: set(facts) for name, facts in portuguese.FACTS.items() if name in VOCABULARY
    }
    assert set(VOCABULARY) == set(portuguese.FACTS)
    for name, entity in VOCABULARY.items():
        for fact_name, fact in entity.facts.items():
            named = portuguese.FACTS[name][fact_name]
            words = fact.words if isinstance(fact, Choice) else frozenset[str]()
            assert words == set(named.words), f"{name}.{fact_name}"
            assert len(words) == len(set(named.words.values())), f"{name}.{fact_name}"
            assert named.meaning.endswith("."), f"{name}.{fact_name}"
    assert {name.lower() for name in (*ACTORS, *RESOURCES)} == set(portuguese.ROOTS)
    assert set(ROOTS) >= set(portuguese.ROOTS)


def test_both_languages_have_the_same_words() -> None:
    """What is said in one is said in the other."""
    assert set(TEXTS["pt"]) == set(TEXTS["en"])
    assert not [name for name, text in TEXTS["pt"].items() if not text]


def test_actions_and_kinds_are_told_in_words() -> None:
    """The title of a section is the action, that of a table who acts on what."""
    words = Words("en", policy(PERMIT))
    [table] = tables('permit(_s: Subject, action, _r: Resource, "first") if action = "approve";')

    assert "Action “approve”" == words.actions(table)
    assert "subject of another service on resource of another service" == words.kinds(table)


def test_a_page_has_the_rows_the_rest_and_the_facts() -> None:
    """Markdown with a section for the action, a block for each answer, and a legend."""
    rules = (
        'permit(p: Person, "open", r: Process, "first") if p.confirmed and r.state = "open";\n'
        'forbid(_p: Person, "open", r: Process, "second") if r.state = "closed";'
    )

    assert page(rules, "en").partition("company.\n\n")[2] == (
        "## Open a process\n"
        "\n"
        "### Person on process\n"
        "\n"
        "What denies, whatever else allows:\n"
        "\n"
        "| process › state | answer | reason | rule |\n"
        "|---|---|---|---|\n"
        "| closed | **denied** | `second`: second | `rules.polar:2` |\n"
        "\n"
        "What allows:\n"
        "\n"
        "| person › confirmed | process › state | answer | reason | rule |\n"
        "|---|---|---|---|---|\n"
        "| yes | open | **allowed** | `first`: first | `rules.polar:1` |\n"
        "\n"
        "Anything else: **denied**, `no-permit`: no-permit\n"
        "\n"
        "## The facts\n"
        "\n"
        "| fact | what it is | words | in rules |\n"
        "|---|---|---|---|\n"
        "| person › confirmed | Orquestra has confirmed the registration. |  |"
        " `person.confirmed` |\n"
        "| process › state | Whether it takes requests; \\`unknown\\` if not in the catalogue. |  |"
        " `process.state` |\n"
    )


def test_a_page_without_conditions_explains_no_facts() -> None:
    """A policy that asks nothing has no legend, in either form."""
    assert "Os fatos" not in page(PERMIT) + web_page(PERMIT)


def test_what_is_never_allowed_stands_apart() -> None:
    """Tables in which nothing is allowed come last, under one heading, with their actions."""
    rules = f'{PERMIT}\nforbid(_l: Login, _action, _c: Company, "second");'

    for text, below in ((page(rules), "### "), (web_page(rules), "<h3>")):
        _allowed, _between, never = text.rpartition("O que nunca é permitido")
        title = f"{below}Login de empresa estrangeira sobre empresa: Qualquer ação"
        assert [title] == re.findall(rf"{below}[^<\n]*", never)


def test_what_could_not_be_explored_is_said() -> None:
    """A table that lacks a rule warns of it, with the place of the rule."""
    compiled = policy(PERMIT)
    table = DecisionTable(("open",), ((PersonFacts, ProcessFacts),), (), ("a|b.polar:7",))
    words = Words("pt", compiled)

    assert "percorrer até o fim: a\\|b.polar:7**" in markdown([table], words, compiled.digest)
    assert "<code>a|b.polar:7</code>" in html([table], words, compiled.digest, NOON)


def test_an_error_says_what_is_wrong() -> None:
    """The row of a rule that errs has the built-in reason and the cause."""
    rules = 'permit(_p: Person, "open", r: Process, "first") if r.company.standing.days <= 7;'

    assert (
        "| não comparável com 7 | **erro: negado** | "
        "`policy-error`: comparison: nil has no order | `rules.polar:1` |" in page(rules)
    )
    assert '<td class="answer error">erro: negado</td>' in web_page(rules)


def test_a_reason_with_several_texts_is_told_by_its_code() -> None:
    """Where the text depends on the action, a table of several actions shows none."""
    compiled = policy(PERMIT)
    kinds = ((PersonFacts, ProcessFacts),)
    sources = collect(TREE / "policies")
    shipped = policy_of(examined(sources), digest_of(sources))

    several = DecisionTable(("open", "revoke"), kinds, (), ("a.polar:1",))
    assert ("no-permit", "") == Words("pt", shipped).otherwise(several)
    assert ("no-permit", "no-permit {cnpj} {processo}") == Words("pt", compiled).otherwise(several)
    assert "**negado**, `no-permit`\n" in markdown([several], Words("pt", shipped), "")


def test_texts_of_administrators_are_no_markup() -> None:
    """A reason's text, a file's name or a constant cannot become HTML or break a table."""
    rules = 'permit(_p: Person, "open", r: Process, "first") if r.question.context.a = "<b>|*";'
    compiled = policy({"a<i>.polar": rules})
    found = tables_of(compiled.explore().rules, ALL_CODES)
    words = Words("pt", compiled)

    assert "= “\\<b\\>\\|\\*”" in markdown(found, words, compiled.digest)
    text = html(found, words, compiled.digest, NOON)
    assert "= “&lt;b&gt;|*”" in text
    assert "a&lt;i&gt;.polar:1" in text


class Outline(HTMLParser):
    """Follows a page: every element is closed, and every row of a table is as wide."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.widths: list[set[int]] = []
        self.headers: list[str | None] = []
        self.targets: set[str] = set()
        self.links: set[str] = set()
        self._spanned = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Count what a row has; the second row of a head lacks what the first spans."""
        given = dict(attributes)
        self.names |= {tag}
        self.targets |= {str(given.get("id"))}
        self.links |= {str(given.get("href")).removeprefix("#")} if tag == "a" else set()
        if tag == "table":
            self.widths.append(set())
            self._spanned = 0
        if tag == "tr":
            self._width = self._spanned
            self._spanned = 0
        if tag in ("td", "th"):
            self._width += int(given.get("colspan") or 1)
            self._spanned += given.get("rowspan") == "2"
        if tag == "th":
            self.headers.append(given.get("scope"))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last."""
        assert tag == self.open.pop()
        if tag == "tr":
            self.widths[-1].add(self._width)


@pytest.mark.uncovered
@pytest.mark.parametrize("language", ["pt", "en"])
def test_the_page_is_whole_and_needs_nothing_else(language: str) -> None:
    """No script, no address, no gap: tables with captions and headers that say for what."""
    sources = collect(TREE / "policies")
    found = examined(sources)
    compiled = policy_of(found, digest_of(sources))
    shown = tables_of(compiled.explore().rules, tuple(found.reasons))
    text = html(shown, Words(language, compiled), compiled.digest, NOON)
    outline = Outline()
    outline.feed(text)

    assert [] == outline.open
    assert not outline.names & {"script", "link", "img", "iframe"}
    assert not re.search(r"https?:|url\(|@import", text)
    assert all(len(widths) == 1 for widths in outline.widths)
    assert {"col", "colgroup", "row"} == set(outline.headers)
    assert outline.links <= outline.targets
    assert compiled.digest in text
    assert '<time datetime="2026-11-20T12:00:00+00:00">2026-11-20 12:00+00:00</time>' in text


def test_the_tables_in_the_documents_are_those_of_the_shipped_policy() -> None:
    """`docs/policy-tables.md` is what `authz policy show policies` prints."""
    sources = collect(TREE / "policies")
    found = examined(sources)
    compiled = policy_of(found, digest_of(sources))
    shown = tables_of(compiled.explore().rules, tuple(found.reasons))

    documented = (TREE / "docs" / "policy-tables.md").read_text(encoding="utf-8")
    assert documented == markdown(shown, Words("pt", compiled), compiled.digest)
