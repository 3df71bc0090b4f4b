"""Where the current policy is to be had, and that a bad edit never replaces a good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from authz_service.domain.errors import PolicyUnavailable
from authz_service.policy.current import CurrentPolicy
from tests.policy.compiled import reasons

PERMIT = 'permit(_p: Person, "open", _r: Process, "first");'


def write(folder: Path, rules: str) -> None:
    """Write a policy folder with one file of rules."""
    (folder / "rules.polar").write_text(rules, encoding="utf-8")
    (folder / "reasons.toml").write_bytes(reasons().content)


def test_a_valid_folder_becomes_the_policy(tmp_path: Path) -> None:
    """What loads is the policy in force, and nothing ails."""
    write(tmp_path, PERMIT)
    policy = CurrentPolicy(tmp_path)

    policy.load()

    assert ["rules.polar:1"] == [rule.place for rule in policy.current().rules]
    assert ((), None) == (policy.problems, policy.ailment())


def test_before_the_first_load_nothing_is_decided(tmp_path: Path) -> None:
    """Without a policy there is no answer, and the reason for it is told."""
    policy = CurrentPolicy(tmp_path)

    with pytest.raises(PolicyUnavailable):
        policy.current()
    assert "no valid policy is loaded: it was never loaded" == policy.ailment()


def test_an_invalid_folder_gives_no_policy(tmp_path: Path) -> None:
    """Without a valid policy nothing is decided, and the first problem is told."""
    write(tmp_path, f"{PERMIT}\ncut;")
    policy = CurrentPolicy(tmp_path)

    policy.load()

    with pytest.raises(PolicyUnavailable):
        policy.current()
    assert str(policy.ailment()).startswith("no valid policy is loaded: rules.polar:2:1: `cut`")


@pytest.mark.parametrize("bad", ["cut;", 'permit(p, "open", _r, "first");'])
def test_a_bad_edit_never_replaces_a_good_policy(tmp_path: Path, bad: str) -> None:
    """The policy stays in force, the problems of the edit are told; mended, they are gone."""
    write(tmp_path, PERMIT)
    policy = CurrentPolicy(tmp_path)
    policy.load()
    before = policy.current()

    write(tmp_path, bad)
    policy.load()

    assert before is policy.current()
    assert ["rules.polar"] == [one.file for one in policy.problems]
    assert policy.ailment() is None

    write(tmp_path, f"{PERMIT}{PERMIT}")
    policy.load()

    assert 2 == len(policy.current().rules)
    assert () == policy.problems


def test_a_flaw_is_told_while_the_policy_is_in_force(tmp_path: Path) -> None:
    """What cannot be meant, and a bad edit, are told beside the policy that goes on."""
    write(tmp_path, PERMIT)
    policy = CurrentPolicy(tmp_path)
    assert policy.flaw() is None
    policy.load()
    assert policy.flaw() is None

    write(tmp_path, f'{PERMIT}\nforbid(_p, _a, r: Process, "first") if r.state = "opne";')
    policy.load()
    assert str(policy.flaw()).startswith("1 problems, the first: rules.polar:2:")
    assert policy.ailment() is None
