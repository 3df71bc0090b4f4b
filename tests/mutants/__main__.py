"""
Disable the checks that matter one by one, and expect a test to fail each time.

``python -m tests.mutants`` tries all targets, ``python -m tests.mutants identifiers`` those
whose path contains the word. A mutant that no test can see is excepted by a comment on its
line, ``# mutant: why no test can see it``; one that excepts nothing is reported as well.

Exit codes: 0 all killed or excepted; 1 a mutant survived, or an exception is stale;
2 nothing was proved, because tests fail as they are or no target is meant.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.finding import Mutant, find, stale_exceptions
from tests.mutants.running import CannotRun, Outcome, Target, Trial, check_baseline, copies, try_all

TREE = Path(__file__).parents[2]

TARGETS = (
    Target(
        "authz_service/domain/identifiers.py",
        (
            "tests/domain/test_identifiers.py",
            "tests/domain/test_cpf_in_text.py",
            "tests/domain/test_foreign_ids.py",
        ),
    ),
    Target("authz_service/domain/companies.py", ("tests/domain/test_companies.py",)),
    Target("authz_service/domain/entities.py", ("tests/domain/test_entities.py",)),
    Target("authz_service/domain/clients.py", ("tests/domain/test_clients.py",)),
    Target(
        "authz_service/usecases/clients.py",
        (
            "tests/usecases/test_clients.py",
            "tests/usecases/test_clients_again.py",
            "tests/usecases/test_client_desk.py",
        ),
    ),
    Target(
        "authz_service/usecases/decide.py",
        (
            "tests/usecases/test_decide.py",
            "tests/usecases/test_decide_each.py",
            "tests/usecases/test_decide_others.py",
            "tests/usecases/test_deciding_again.py",
        ),
    ),
    Target(
        "authz_service/usecases/deciding.py",
        (
            "tests/usecases/test_decide.py",
            "tests/usecases/test_decide_each.py",
            "tests/usecases/test_decide_others.py",
            "tests/usecases/test_deciding_again.py",
        ),
    ),
    Target("authz_service/usecases/explain.py", ("tests/usecases/test_explain.py",)),
    Target(
        "authz_service/usecases/asked.py",
        (
            "tests/usecases/test_noting.py",
            "tests/usecases/test_decide.py",
            "tests/usecases/test_decide_others.py",
        ),
    ),
    Target("authz_service/usecases/before.py", ("tests/usecases/test_deciding_again.py",)),
    Target(
        "authz_service/usecases/noting.py",
        ("tests/usecases/test_noting.py", "tests/usecases/test_deciding_again.py"),
    ),
    Target("authz_service/usecases/names.py", ("tests/usecases/test_names.py",)),
    Target("authz_service/usecases/foreign.py", ("tests/usecases/test_foreign.py",)),
    Target("authz_service/usecases/importing.py", ("tests/usecases/test_importing.py",)),
    Target("authz_service/usecases/sheets.py", ("tests/usecases/test_importing.py",)),
    Target("authz_service/usecases/decisions.py", ("tests/usecases/test_decisions.py",)),
    Target(
        "authz_service/usecases/delegate.py",
        (
            "tests/usecases/test_replace_set.py",
            "tests/usecases/test_end_delegation.py",
            "tests/usecases/test_meanwhile.py",
            "tests/usecases/test_grant.py",
            "tests/usecases/test_expected.py",
            "tests/usecases/test_search_delegations.py",
        ),
    ),
    Target("authz_service/usecases/processes.py", ("tests/usecases/test_processes.py",)),
    Target(
        "authz_service/policy/border/host.py",
        (
            "tests/policy/test_host.py",
            "tests/policy/test_actors_and_resources.py",
            "tests/policy/test_engine.py",
            "tests/policy/test_diagram.py",
        ),
    ),
    Target("authz_service/policy/border/query.py", ("tests/policy/test_host.py",)),
    Target("authz_service/policy/border/runner.py", ("tests/policy/test_host.py",)),
    Target("authz_service/policy/border/comparison.py", ("tests/policy/test_comparison.py",)),
    Target(
        "authz_service/policy/border/probes.py",
        (
            "tests/policy/test_probes.py",
            "tests/policy/test_situations.py",
            "tests/policy/test_diagram.py",
        ),
    ),
    Target(
        "authz_service/policy/diagrams/diagram.py",
        ("tests/policy/test_diagram.py", "tests/policy/test_coverage.py"),
    ),
    Target(
        "authz_service/policy/diagrams/combining.py",
        ("tests/policy/test_diagram.py", "tests/policy/test_engine.py"),
    ),
    Target(
        "authz_service/policy/diagrams/engine.py",
        (
            "tests/policy/test_diagram.py",
            "tests/policy/test_engine.py",
            "tests/policy/test_types.py",
        ),
    ),
    Target("authz_service/policy/diagrams/exploring.py", ("tests/policy/test_exploring.py",)),
    Target(
        "authz_service/policy/diagrams/searching.py",
        ("tests/policy/test_searching.py", "tests/policy/test_situations.py"),
    ),
    Target(
        "authz_service/policy/diagrams/situations.py",
        ("tests/policy/test_situations.py", "tests/policy/test_diagram.py"),
    ),
    Target(
        "authz_service/policy/diagrams/possible.py",
        ("tests/policy/test_possible.py", "tests/policy/test_possible_facts.py"),
    ),
    Target("authz_service/policy/judging/findings.py", ("tests/policy/test_findings.py",)),
    Target("authz_service/policy/judging/joint.py", ("tests/policy/test_findings.py",)),
    Target("authz_service/policy/judging/stages.py", ("tests/policy/test_sandbox.py",)),
    Target("authz_service/policy/judging/sandbox.py", ("tests/policy/test_sandbox.py",)),
    Target(
        "authz_service/policy/live/content.py",
        ("tests/policy/test_current.py", "tests/policy/test_last_good.py"),
    ),
    Target(
        "authz_service/policy/live/current.py",
        ("tests/policy/test_current.py", "tests/policy/test_watching.py"),
    ),
    Target("authz_service/policy/live/last_good.py", ("tests/policy/test_last_good.py",)),
    Target("authz_service/policy/live/statuses.py", ("tests/policy/test_statuses.py",)),
    Target("authz_service/policy/live/watching.py", ("tests/policy/test_watching.py",)),
    Target("authz_service/policy/nearness/advising.py", ("tests/policy/test_advising.py",)),
    Target("authz_service/policy/nearness/likeness.py", ("tests/policy/test_advising.py",)),
    Target("authz_service/policy/nearness/veils.py", ("tests/policy/test_advising.py",)),
    Target(
        "authz_service/policy/nearness/changing.py",
        ("tests/policy/test_changes.py", "tests/policy/test_nearest.py"),
    ),
    Target(
        "authz_service/policy/nearness/moves.py",
        ("tests/policy/test_changes.py", "tests/policy/test_nearest.py"),
    ),
    Target("authz_service/policy/nearness/nearest.py", ("tests/policy/test_nearest.py",)),
    Target(
        "authz_service/policy/nearness/sign_in_moves.py",
        ("tests/policy/test_changes.py", "tests/policy/test_nearest.py"),
    ),
    Target(
        "authz_service/policy/reading/clashes.py",
        ("tests/policy/test_types.py", "tests/policy/test_remedies.py"),
    ),
    Target(
        "authz_service/policy/reading/constants.py",
        ("tests/policy/test_constants.py", "tests/policy/test_exploring.py"),
    ),
    Target(
        "authz_service/policy/reading/heads.py",
        (
            "tests/policy/test_remedies.py",
            "tests/policy/test_types.py",
            "tests/policy/test_syntax.py",
        ),
    ),
    Target("authz_service/policy/reading/steps.py", ("tests/policy/test_steps.py",)),
    Target(
        "authz_service/policy/reading/syntax.py",
        ("tests/policy/test_remedies.py", "tests/policy/test_syntax.py"),
    ),
    Target(
        "authz_service/policy/reading/text.py",
        ("tests/policy/test_text.py", "tests/policy/test_remedies.py"),
    ),
    Target(
        "authz_service/policy/reading/together.py",
        (
            "tests/policy/test_bundle.py",
            "tests/policy/test_remedies.py",
            "tests/policy/test_engine.py",
            "tests/policy/test_syntax.py",
        ),
    ),
    Target(
        "authz_service/policy/reading/types.py",
        ("tests/policy/test_types.py", "tests/policy/test_remedies.py"),
    ),
    Target(
        "authz_service/policy/showing/decision_tables.py",
        ("tests/policy/test_decision_tables.py",),
    ),
    Target("authz_service/policy/suites/coverage.py", ("tests/policy/test_coverage.py",)),
    Target(
        "authz_service/policy/bundle.py",
        ("tests/policy/test_bundle.py", "tests/policy/test_actors_and_resources.py"),
    ),
    Target("authz_service/domain/sign_in.py", ("tests/domain/test_sign_in.py",)),
    Target(
        "authz_service/domain/known.py",
        (
            "tests/domain/test_facts.py",
            "tests/domain/test_facts_of_a_sign_in.py",
            "tests/domain/test_facts_of_others.py",
        ),
    ),
    Target(
        "authz_service/usecases/sign_in.py",
        (
            "tests/usecases/test_sign_in.py",
            "tests/usecases/test_sign_in_again.py",
            "tests/usecases/test_prove.py",
        ),
    ),
    Target(
        "authz_service/identity/govbr.py",
        ("tests/identity/test_tokens.py", "tests/identity/test_claims.py"),
    ),
    Target(
        "authz_service/identity/claims.py",
        ("tests/identity/test_tokens.py", "tests/identity/test_claims.py"),
    ),
    Target("authz_service/identity/jwks.py", ("tests/identity/test_keys.py",)),
    Target("authz_service/identity/fetching.py", ("tests/identity/test_fetching.py",)),
    Target("authz_service/identity/waiting.py", ("tests/identity/test_waiting.py",)),
    Target("authz_service/identity/companies.py", ("tests/identity/test_companies.py",)),
    Target("authz_service/identity/answers.py", ("tests/identity/test_companies.py",)),
    Target(
        "authz_service/identity/documents.py",
        ("tests/identity/test_companies.py", "tests/identity/test_keys.py"),
    ),
    Target(
        "authz_service/store/sign_ins.py",
        ("tests/store/test_sign_ins.py", "tests/store/test_privacy.py"),
    ),
    Target(
        "authz_service/store/registry.py",
        ("tests/store/test_sign_ins.py", "tests/store/test_contract_people.py"),
    ),
    Target(
        "authz_service/store/privacy.py",
        (
            "tests/store/test_privacy.py",
            "tests/store/test_privacy_of_logins.py",
            "tests/store/test_other_surrogates.py",
        ),
    ),
    Target("authz_service/store/foreign.py", ("tests/store/test_foreign.py",)),
    Target("authz_service/store/directory.py", ("tests/store/test_directory.py",)),
    Target("authz_service/store/intake.py", ("tests/store/test_intake.py",)),
    Target(
        "authz_service/store/versions.py",
        ("tests/store/test_versions.py", "tests/store/test_migrations.py"),
    ),
    Target(
        "authz_service/journal/writing.py",
        (
            "tests/journal/test_journal.py",
            "tests/journal/test_syncing.py",
            "tests/journal/test_chains.py",
        ),
    ),
    Target(
        "authz_service/journal/owned.py",
        ("tests/journal/test_journal.py", "tests/journal/test_syncing.py"),
    ),
    Target(
        "authz_service/journal/walking.py",
        (
            "tests/journal/test_chains.py",
            "tests/journal/test_keeping.py",
            "tests/journal/test_tampering.py",
        ),
    ),
    Target(
        "authz_service/journal/verifying.py",
        ("tests/journal/test_chains.py", "tests/journal/test_tampering.py"),
    ),
    Target(
        "authz_service/journal/heads.py",
        (
            "tests/journal/test_chains.py",
            "tests/journal/test_keeping.py",
            "tests/journal/test_tampering.py",
        ),
    ),
    Target("authz_service/journal/keeping.py", ("tests/journal/test_keeping.py",)),
    Target(
        "authz_service/journal/packed.py",
        ("tests/journal/test_keeping.py", "tests/journal/test_tampering.py"),
    ),
    Target("authz_service/journal/packing.py", ("tests/journal/test_packing.py",)),
    Target("authz_service/journal/entries.py", ("tests/journal/test_entries.py",)),
    Target("authz_service/journal/rendering.py", ("tests/journal/test_rendering.py",)),
    Target("authz_service/store/clock.py", ("tests/store/test_clock.py",)),
    Target("authz_service/store/held/held.py", ("tests/store/test_held.py",)),
    Target("authz_service/store/held/questions.py", ("tests/store/test_held.py",)),
    Target(
        "authz_service/store/held/changed.py",
        ("tests/store/test_held.py", "tests/store/test_changes.py"),
    ),
    Target(
        "authz_service/store/held/file.py",
        ("tests/store/test_held.py", "tests/store/test_wal_index.py"),
    ),
    Target("authz_service/store/held/server.py", ("tests/store/test_held_on_server.py",)),
    Target("authz_service/store/index/finding.py", ("tests/store/test_log_index.py",)),
    Target("authz_service/usecases/indexing.py", ("tests/usecases/test_indexing.py",)),
    Target("authz_service/usecases/replaying.py", ("tests/usecases/test_replaying.py",)),
    Target("authz_service/policy/diagrams/evidence.py", ("tests/policy/test_evidence.py",)),
    Target("authz_service/policy/diagrams/glance.py", ("tests/policy/test_glance.py",)),
    Target("authz_service/policy/diagrams/replaying.py", ("tests/policy/test_replaying.py",)),
    Target("authz_service/policy/live/archive.py", ("tests/policy/test_archive.py",)),
    Target("authz_service/metrics/tally.py", ("tests/operation/test_tally.py",)),
    Target("authz_service/server/relay.py", ("tests/operation/test_relay.py",)),
    Target("authz_service/web/lean/form.py", ("tests/web/test_lean_reading.py",)),
    Target("authz_service/web/lean/front.py", ("tests/web/test_layers.py",)),
    Target(
        "authz_service/web/lean/operation.py",
        ("tests/web/test_revisions.py", "tests/web/test_layers.py"),
    ),
    Target("authz_service/web/lean/reading.py", ("tests/web/test_lean_reading.py",)),
    Target("authz_service/web/lean/strict.py", ("tests/web/test_lean_reading.py",)),
    Target("authz_service/web/counting.py", ("tests/web/test_counting.py",)),
    Target("authz_service/web/crowding.py", ("tests/web/test_crowding.py",)),
    Target(
        "authz_service/web/delegations.py",
        ("tests/web/test_acting.py", "tests/web/test_delegations.py"),
    ),
    Target("authz_service/web/acting.py", ("tests/web/test_acting.py",)),
    Target(
        "authz_service/web/evaluation.py",
        ("tests/web/test_evaluation_vectors.py", "tests/web/test_evaluations.py"),
    ),
    Target("authz_service/web/authzen.py", ("tests/web/test_evaluations.py",)),
    Target("authz_service/web/explanations.py", ("tests/web/test_explanations.py",)),
    Target("authz_service/web/decisions.py", ("tests/web/test_decisions.py",)),
    Target("authz_service/web/companies.py", ("tests/web/test_companies.py",)),
    Target(
        "authz_service/web/etags.py",
        ("tests/web/test_companies.py", "tests/web/test_delegations_etag.py"),
    ),
    Target("authz_service/web/paging.py", ("tests/web/test_paging.py",)),
    Target("authz_service/web/proxies.py", ("tests/web/test_proxies.py",)),
    Target("authz_service/web/limits.py", ("tests/web/test_limits.py",)),
    Target("authz_service/web/guards.py", ("tests/web/test_guards.py",)),
)


def main(words: Sequence[str], tree: Path = TREE, configured: Sequence[Target] = TARGETS) -> int:
    """Try the targets that *words* mean, print what happens, and give the exit code."""
    targets = [one for one in configured if not words or any(word in one.module for word in words)]
    if not targets:
        print(f"no target contains {' or '.join(words)}; there are:")
        print(*(f"  {target.module}" for target in configured), sep="\n")
        return 2
    texts = {target: (tree / target.module).read_bytes().decode() for target in targets}
    pairs = [(target, mutant) for target, text in texts.items() for mutant in find(text)]
    trials: list[Trial] = []
    try:
        with copies(tree) as free:
            for target in targets:
                check_baseline(target, free)
                print(f"{target.module}: {' '.join(target.tests)} pass while nothing is disabled")
            for number, trial in enumerate(try_all(pairs, free), start=1):
                trials.append(trial)
                print(f"{number:4} of {len(pairs)}  {_line(trial)}", flush=True)
    except CannotRun as error:
        print(error)
        return 2
    return _report(texts, trials)


def _line(trial: Trial) -> str:
    mutant = trial.mutant
    return (
        f"{trial.target.module}:{mutant.line}  {_disabled(mutant)}  "
        f"{trial.outcome}  {trial.seconds:.1f} s"
    )


def _disabled(mutant: Mutant) -> str:
    return f"`{mutant.source}` -> {'pass' if mutant.value is None else mutant.value}"


def _report(texts: dict[Target, str], trials: Sequence[Trial]) -> int:
    """Print what became of the mutants, and give the exit code."""
    print(f"\n{'target':44}{'checks':>8}{'killed':>8}{'excepted':>10}{'SURVIVED':>10}")
    for target in texts:
        ends = [trial.outcome for trial in trials if trial.target == target]
        survived, excepted = ends.count(Outcome.SURVIVED), ends.count(Outcome.EXCEPTED)
        killed = len(ends) - survived - excepted
        print(f"{target.module:44}{len(ends):8}{killed:8}{excepted:10}{survived:10}")
    bad = False
    for trial in sorted(trials, key=lambda one: (one.target.module, one.mutant.start)):
        if trial.outcome is Outcome.EXCEPTED:
            print(f"excepted: {_line(trial)}: {trial.mutant.excepted}")
        if trial.outcome is Outcome.SURVIVED:
            bad = True
            print(f"SURVIVED: {_line(trial)}")
    for target, text in texts.items():
        needed = {
            trial.mutant.line
            for trial in trials
            if trial.target == target and trial.outcome is Outcome.EXCEPTED
        }
        for line in stale_exceptions(text, needed):
            bad = True
            print(f"{target.module}:{line}: the comment excepts nothing, tests see every mutant")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
