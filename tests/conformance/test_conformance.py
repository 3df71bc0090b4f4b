"""AuthZEN 1.0 against a running service: our own vectors, and the conformance suite's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from authz_service.policy.bundle import build, collect, collect_suites
from authz_service.policy.suites import suite as policy_suite
from tests.conformance import suite, vectors
from tests.conformance.asking import HERE, Fixture
from tests.conformance.vector import Vector

OWN = vectors.every()
OF_THE_SUITE = suite.every()
NO_SUITE = pytest.param(None, marks=pytest.mark.skip(reason=suite.ABSENT), id="absent")


@pytest.fixture(scope="module", name="fixture")
def _fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fixture]:
    """A service on the certification fixture, one for all vectors: none of them changes it."""
    fixture = Fixture(tmp_path_factory.mktemp("conformance"))
    yield fixture
    fixture.close()


@pytest.mark.parametrize("vector", OWN, ids=str)
def test_our_own_vectors_pass(fixture: Fixture, vector: Vector) -> None:
    """What the checklist asks for comes back from a running service."""
    assert fixture.check(vector).wrong is None


@pytest.mark.parametrize("vector", OF_THE_SUITE or [NO_SUITE], ids=str)
def test_the_vectors_of_the_conformance_suite_pass(fixture: Fixture, vector: Vector) -> None:
    """With a key the suite's answers come back, without one nothing but a 401."""
    assert fixture.check(vector).wrong is None


def test_no_two_vectors_have_one_name() -> None:
    """So that a line of the table names one request."""
    names = Counter(str(one) for one in (*OWN, *OF_THE_SUITE))
    assert [] == [name for name, count in names.items() if count > 1]


def test_the_fixtures_policies_pass_their_own_tests() -> None:
    """What the certification scenario allows and denies is told beside the rules, too."""
    folder = HERE / "policies"
    policy = build(collect(folder))
    report = policy_suite.run(policy, collect_suites(folder))
    assert ((), ()) == (policy.flaws, report.differences)
    assert report.asked > 0
