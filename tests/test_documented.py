"""Every public part says what it means, every test says what it promises, no module grows fat."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).parents[1]
MODULES = sorted((TREE / "authz_service").rglob("*.py"))
TESTS = sorted((TREE / "tests").rglob("*.py"))
LONGEST = 350
"""Lines of the longest module; beyond that it is two."""

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def path_of(module: Path) -> str:
    """Give the path inside the tree."""
    return module.relative_to(TREE).as_posix()


def parsed(module: Path) -> ast.Module:
    """Read a module."""
    return ast.parse(module.read_text(encoding="utf-8"))


def public(parent: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Give the public classes and functions of a module, and those of its public classes."""
    for child in parent.body:
        if isinstance(child, Definition) and not child.name.startswith("_") and not setter(child):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


def setter(definition: Definition) -> bool:
    """Tell whether it is the setter of a property, which the property speaks for."""
    return any(
        isinstance(one, ast.Attribute) and one.attr == "setter" for one in definition.decorator_list
    )


def silent(definitions: Iterator[Definition]) -> list[str]:
    """Give the places of definitions without a docstring."""
    return [f"{one.name}, line {one.lineno}" for one in definitions if not ast.get_docstring(one)]


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_every_public_part_of_the_service_has_a_docstring(module: Path) -> None:
    """Modules, classes, functions and methods whose names do not begin with an underscore."""
    tree = parsed(module)
    assert ast.get_docstring(tree)
    assert [] == silent(public(tree))


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_no_module_of_the_service_is_too_long_to_be_read(module: Path) -> None:
    """A module that grows beyond a few pages is two."""
    assert len(module.read_text(encoding="utf-8").splitlines()) < LONGEST


@pytest.mark.parametrize("module", TESTS, ids=path_of)
def test_every_test_states_its_promise(module: Path) -> None:
    """A test without a docstring does not tell what breaks when it fails."""
    functions = (
        node
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_"
    )
    assert [] == silent(functions)


@pytest.mark.parametrize(
    "module", [one for one in TESTS if one.parent.name == "fakes"], ids=path_of
)
def test_every_fake_has_a_contract(module: Path) -> None:
    """What stands in for a real part says what it does in its place."""
    tree = parsed(module)
    assert ast.get_docstring(tree)
    assert [] == silent(public(tree))


def test_silence_is_noticed() -> None:
    """The tests of this file look at methods and tests too, and skip what is private."""
    tree = ast.parse(
        "class A:\n"
        "    def b(self): ...\n"
        "    def _c(self): ...\n"
        '    def d(self):\n        """Say."""\n'
        "        def e(): ...\n"
        "    @b.setter\n"
        "    def b(self, value): ...\n"
        "class _F:\n"
        "    def g(self): ...\n"
        "async def h(): ...\n"
        "if True:\n"
        "    def i(): ...\n"
    )
    assert ["A, line 1", "b, line 2", "h, line 11"] == silent(public(tree))
