"""The declared reasons: their order, their texts, and every mistake in the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.policy.reading.reasons import FILE, read
from authz_service.policy.reading.telling import MAX_PROBLEMS
from authz_service.usecases.ports import Text
from tests.policy.compiled import reasons

SOUND = reasons().content.decode()
WHERE = f"reason {len(BUILT_IN_REASONS) + 4}"
HEAD = '[[reason]]\ncode = "late"\ncodigo = "TARDE"\n'
LATE = f'{HEAD}pt = "Tarde."\nen = "Late."\n'


def test_the_order_of_the_file_is_the_order_of_reasons() -> None:
    """Reasons come as they are declared, the built-in ones wherever they stand."""
    found, problems = read(SOUND)

    assert [] == problems
    assert [*BUILT_IN_REASONS, "first", "second", "third"] == list(found)


def test_of_very_many_mistakes_the_first_are_told() -> None:
    """A file of nothing else is told about in a page."""
    _found, problems = read(SOUND + "[[reason]]\n" * 2 * MAX_PROBLEMS)

    assert MAX_PROBLEMS == len(problems)


def test_a_text_names_company_and_process() -> None:
    """The particulars stand where the text wants them, and spaces are made one."""
    found, _problems = read(
        f'{SOUND}{HEAD}pt = """\n  {{processo}} de\n  {{cnpj}} """\nen = "{{cnpj}}{{cnpj}}"\n'
    )

    text = found["late"].text("open", {"cnpj": "C", "processo": "P {cnpj}"})

    assert Text("TARDE", "P {cnpj} de C", "CC") == text


def test_a_particular_that_the_question_has_not_is_left_out() -> None:
    """A question about a company as a whole has no process to name."""
    found, _problems = read(f'{SOUND}{HEAD}pt = "<{{processo}}>"\nen = "<{{cnpj}}>"\n')

    assert Text("TARDE", "<>", "<C>") == found["late"].text("open", {"cnpj": "C"})


def test_an_action_may_have_texts_of_its_own() -> None:
    """One action says something else; every other says what is said in general."""
    found, problems = read(f'{SOUND}{LATE}[reason.action.open]\npt = "Abra."\nen = "Open."\n')

    assert [] == problems
    assert Text("TARDE", "Abra.", "Open.") == found["late"].text("open", {})
    assert Text("TARDE", "Tarde.", "Late.") == found["late"].text("delegate", {})


KINDS = (
    '[reason.foreign]\npt = "De fora: {cnpj}."\nen = "Foreign."\n'
    '[reason.entity]\npt = "Coisa."\nen = "Thing."\n'
    '[reason.action.open]\npt = "Abra."\nen = "Open."\n'
)


@pytest.mark.parametrize(
    ("company", "pt"),
    [
        ("52.420.282/0001-80", "Abra."),
        ("EX.420.282/0001-80", "Abra."),
        ("EX-0000123-0", "De fora: EX-0000123-0."),
        ("", "Coisa."),
    ],
)
def test_a_kind_of_question_may_have_texts_of_its_own(company: str, pt: str) -> None:
    """What is said of a foreign company or of another service's thing goes before the action."""
    found, problems = read(f"{SOUND}{LATE}{KINDS}")

    assert [] == problems
    assert pt == found["late"].text("open", {"cnpj": company, "processo": ""}).pt


ACTION = "[reason.action.open]\n"
MISTAKES = {
    "a member that nobody knows": (
        f"{LATE}ptt = 1\npt-br = 2\n",
        [f"{WHERE}: `pt-br` is not known here", f"{WHERE}: `ptt` is not known here"],
    ),
    "a table that nobody knows": (f"{LATE}[other]\n", ["`other` is not known here"]),
    "no code": (
        '[[reason]]\ncodigo = "X1"\npt = "a"\nen = "a"\n',
        [f"{WHERE}: `code` must be lower-case letters, digits and hyphens"],
    ),
    "a code in capitals": (
        LATE.replace("late", "Late"),
        [f"{WHERE}: `code` must be lower-case letters, digits and hyphens"],
    ),
    "no codigo": (
        LATE.replace("codigo", "#"),
        [f"{WHERE}: `codigo` must be upper-case letters, digits and underscores"],
    ),
    "a codigo with an accent": (
        LATE.replace("TARDE", "AÇÃO"),
        [f"{WHERE}: `codigo` must be upper-case letters, digits and underscores"],
    ),
    "no Portuguese": (f'{HEAD}en = "a"\n', [f"{WHERE}: the text `pt` is missing"]),
    "empty English": (f'{HEAD}pt = "a"\nen = " "\n', [f"{WHERE}: the text `en` is missing"]),
    "a text that is a number": (
        f'{HEAD}pt = 3\nen = "a"\n',
        [f"{WHERE}: the text `pt` is missing"],
    ),
    "an unknown particular": (
        f'{HEAD}pt = "{{cpf}} {{cnpj.value}}"\nen = "{{}}"\n',
        [
            f"{WHERE}: `{{cnpj.value}}` in `pt` is none of: cnpj, processo",
            f"{WHERE}: `{{cpf}}` in `pt` is none of: cnpj, processo",
            f"{WHERE}: `{{}}` in `en` is none of: cnpj, processo",
        ],
    ),
    "half a brace": (
        f'{HEAD}pt = "{{cnpj"\nen = "processo}}"\n',
        [
            f"{WHERE}: `en` has a brace without its other half",
            f"{WHERE}: `pt` has a brace without its other half",
        ],
    ),
    "actions that are no tables": (
        f"{LATE}action = 3\n",
        [f"{WHERE}: `action` must hold a table for each action"],
    ),
    "an action that is no table": (
        f'{LATE}[reason.action]\nopen = "x"\n',
        [f"{WHERE}: `action` must hold a table for each action"],
    ),
    "an action without a text": (
        f'{LATE}{ACTION}pt = "a"\n',
        [f"{WHERE}, action open: the text `en` is missing"],
    ),
    "an action with a code": (
        f'{LATE}{ACTION}pt = "a"\nen = "a"\ncodigo = "B"\n',
        [f"{WHERE}, action open: `codigo` is not known here"],
    ),
    "texts for what is foreign that are no table": (
        f'{LATE}foreign = "a"\n',
        [f"{WHERE}: `foreign` must be a table"],
    ),
    "half a text for what is another's": (
        f'{LATE}[reason.entity]\npt = "a"\n',
        [f"{WHERE}, entity: the text `en` is missing"],
    ),
    "the same code again": (
        LATE.replace("late", "first"),
        [f"{WHERE}: the code `first` stands twice"],
    ),
}


@pytest.mark.parametrize(("text", "messages"), MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_is_told(text: str, messages: list[str]) -> None:
    """A mistake in one reason is told with its number, its line and a remedy, and nothing else."""
    _found, problems = read(SOUND + text)

    assert messages == sorted(one.message for one in problems)
    for one in problems:
        assert (FILE, True, True) == (one.file, one.line > SOUND.count("\n"), one.remedy != "")


SAID = '[reason.action.open]\npt = """\nen = [\n[[reason]]"""\n'
PLACES = {
    "a code": (HEAD.replace("late", "Late") + 'pt = "a"\nen = "a"\n', 2, 1, "reason-code"),
    "a missing text, where its table begins": (f'{HEAD}pt = "a"\n', 1, 1, "text-missing"),
    "a text that is empty": (f'{HEAD}pt = "a"\n  en = " "\n', 5, 3, "text-missing"),
    "a missing text of an action": (f"{LATE}{SAID}", 6, 1, "text-missing"),
    "below a text of several lines": (f"{LATE}{SAID}  x = 1\nen = 'a'\n", 10, 3, "toml-unknown"),
    "behind a remark": (f"{LATE}# codigo = 1\ncodiga = 1\n", 7, 1, "toml-unknown"),
    "in quotes, where its table begins": (f'{LATE}"x" = 1\n', 1, 1, "toml-unknown"),
    "a kind of question": (f'{LATE}[ reason . entity ]\npt="a"\nen="{{x}}"\n', 8, 1, "text-p"),
    "another table": (f"{LATE}\n\n [other]\n", 8, 2, "toml-unknown"),
    "a table that is a value": (f"{LATE}foreign = {{ pt = 1 }}\n", 6, 1, "text-missing"),
}


@pytest.mark.parametrize(("text", "line", "column", "check"), PLACES.values(), ids=PLACES)
def test_a_mistake_has_its_place(text: str, line: int, column: int, check: str) -> None:
    """The key is told if it is there, and the table around it if not; texts hide no tables."""
    _found, problems = read(SOUND + text)

    assert (line + SOUND.count("\n"), column) == (problems[0].line, problems[0].column)
    assert problems[0].check.startswith(check)


def test_a_mistyped_member_is_guessed() -> None:
    """What was probably meant is the remedy."""
    text = f'{HEAD}pt = "{{cnjp}}"\nen = "a"\ncodgo = 1\n[reasons]\n'
    _found, problems = read(SOUND + text)

    assert {
        "did you mean `reason`?",
        "did you mean `codigo`?",
        "did you mean `cnpj`?",
    } == {one.remedy for one in problems}


def test_a_reason_without_a_text_is_declared_all_the_same() -> None:
    """A rule that gives it is not told in addition."""
    found, problems = read(f"{SOUND}{HEAD}")

    assert "late" in found
    assert ["text-missing", "text-missing"] == [one.check for one in problems]


def test_a_built_in_reason_has_to_be_there() -> None:
    """What the service says by itself needs texts as well."""
    _found, problems = read(LATE)

    missing = [f"the reason `{code}` is missing" for code in BUILT_IN_REASONS]
    assert missing == [one.message.split(",")[0] for one in problems]


@pytest.mark.parametrize("text", ["reason = 3", "reason = [1]", "[reason]\nx = 1", 'reason = "x"'])
def test_reasons_are_a_list_of_tables(text: str) -> None:
    """Another shape is told as such."""
    _found, problems = read(text)

    assert "`reason` must be a list of tables" == problems[0].message


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[[reason]]\ncode = \n", 2, 8),
        ("x", 0, 0),  # tomllib says "at end of document"
        (f"x = {'9' * 5_000}", 0, 0),
        (f"x = {'[' * 10_000}", 0, 0),
    ],
)
def test_what_is_no_toml_is_told_with_its_place(text: str, line: int, column: int) -> None:
    """A file that is no TOML has one problem, at its place where that is known."""
    found, [problem] = read(text)

    assert ({}, FILE, line, column) == (found, problem.file, problem.line, problem.column)
    assert "is no TOML" in problem.message


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail, and none but a whole file is without a problem."""
    _found, problems = read(text)

    assert problems
