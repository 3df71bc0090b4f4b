"""What any store promises a person who wants to see, or to have forgotten, what is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest

from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import Conflict, StoreUnavailable
from authz_service.domain.facts import CompanyFacts, PersonFacts, ProcessFacts
from authz_service.domain.identifiers import ERASED, Cpf, Login
from authz_service.domain.people import Bond, Evidence, Person, Role
from authz_service.domain.processes import ProcessDefinition, ProcessName
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    P004,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.domain.gathered import company_of, gather
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import HOUR, TICK, Store, answer, keep, sign_in, standing

DAY = timedelta(days=1)
WHOSE = REPRESENTATIVE
"""Of whom everything is kept: member in one company, representative in another."""

Rows = Mapping[str, Sequence[Mapping[str, object]]]
NOTHING: Rows = {
    "people": [],
    "surrogates": [],
    "standings": [],
    "sign_ins": [],
    "delegations": [],
    "delegation_events": [],
    "other_surrogates": [],
}


def _export(store: Store, person: Cpf | Login) -> tuple[Rows, int]:
    """Give what is kept, without the changes, which only a database notes; and the revision."""
    found, revision = store.personal_data.export(person)
    return {table: rows for table, rows in found.items() if table != "changes"}, revision


def _event(actor: Cpf, kind: EventKind = EventKind.GRANTED, why: str | None = None) -> Event:
    return Event(kind, NOON, actor, "orquestra", why, date(2026, 12, 31))


def _apply(
    store: Store, granted: Delegation | None = None, event: tuple[Delegation, Event] | None = None
) -> None:
    one = granted if event is None else event[0]
    assert one is not None
    change = Change(
        one.company,
        one.member,
        store.facts.gather([], NOON).revision,
        tuple(store.delegations.of_company(one.company, one.member)),
        () if granted is None else (granted,),
        () if event is None else ((one.id, event[1]),),
    )
    store.delegations.apply(change, untold)


def _delegation(
    name: str, member: Cpf, grant: Event, process: ProcessDefinition = P001
) -> Delegation:
    return Delegation(name, COMPANY, member, process.id, process.version, (grant,))


def _fill(store: Store) -> None:
    """Let the store know everything of one person, and of others whom that touches."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_person(Person(PARTNER, NOON), untold)
    store.registry.save_standing(
        standing(evidence=Evidence.ASSERTED, observed_at=NOON - DAY), untold
    )
    store.registry.save_standing(standing(person=PARTNER), untold)
    keep(store, sign_in("partner", PARTNER))
    keep(store, sign_in("two", agent=True))
    keep(store, sign_in("one"), answer(standing()), confirm=True)
    theirs = _delegation("b-theirs", MEMBER, _event(WHOSE))
    _apply(store, theirs)
    _apply(store, event=(theirs, _event(PARTNER, EventKind.CONFIRMED)))
    mine = _delegation("a-mine", WHOSE, _event(PARTNER, why=f"for {PARTNER.digits}"))
    _apply(store, mine)
    _apply(store, event=(mine, _event(PARTNER, EventKind.REVOKED)))
    _apply(store, _delegation("c-another", MEMBER, _event(PARTNER), P004))


def _signed_in(name: str, *, agent: bool) -> Mapping[str, object]:
    return {
        "id": f"id-of-{name}",
        "client": "orquestra",
        "person": WHOSE.digits,
        "methods": ["passwd", "x509_token"],
        "level": "gold",
        "certificate_company": COMPANY.value,
        "agent": agent,
        "authenticated_at": (NOON - HOUR).isoformat(),
        "began_at": NOON.isoformat(),
        "ends_at": (NOON + HOUR).isoformat(),
        "companies": "observed",
    }


def _happened(
    delegation: str, position: int, kind: str, actor: str, why: str | None = None
) -> Mapping[str, object]:
    return {
        "delegation": delegation,
        "position": position,
        "kind": kind,
        "at": NOON.isoformat(),
        "actor": actor,
        "caller": "orquestra",
        "why": why,
        "last_day": "2026-12-31",
    }


def test_a_person_is_shown_every_row(store: Store) -> None:
    """All tables, past rows and acts on what is others' included; others masked, keys left out."""
    _fill(store)
    name = store.surrogates.surrogates([WHOSE, PARTNER])[WHOSE]
    found, revision = _export(store, WHOSE)

    as_it_was = {
        "company": COMPANY.value,
        "person": WHOSE.digits,
        "role": "socio",
        "ends_at": None,
        "cadastrador": None,
    }
    expected: Rows = {
        "people": [
            {
                "cpf": WHOSE.digits,
                "registered_at": NOON.isoformat(),
                "confirmed_at": NOON.isoformat(),
                "observed_at": NOON.isoformat(),
            }
        ],
        "surrogates": [{"cpf": WHOSE.digits, "surrogate": name}],
        "standings": [
            {
                **as_it_was,
                "evidence": "asserted",
                "observed_at": (NOON - DAY).isoformat(),
                "superseded_at": NOON.isoformat(),
            },
            {
                **as_it_was,
                "evidence": "govbr",
                "observed_at": NOON.isoformat(),
                "superseded_at": None,
            },
        ],
        "sign_ins": [_signed_in("one", agent=False), _signed_in("two", agent=True)],
        "delegations": [
            {
                "id": "a-mine",
                "company": COMPANY.value,
                "member": WHOSE.digits,
                "process": "p001",
                "version": 3,
                "ended": "revoked",
            }
        ],
        "delegation_events": [
            _happened("a-mine", 0, "granted", PARTNER.masked, "for [cpf]"),
            _happened("a-mine", 1, "revoked", PARTNER.masked),
            _happened("b-theirs", 0, "granted", WHOSE.digits),
        ],
        "other_surrogates": [],
    }
    assert expected == found
    assert store.facts.gather([], NOON).revision == revision


def test_what_is_shown_is_json(store: Store) -> None:
    """It goes through JSON and comes back the same, and holds neither key nor another's CPF."""
    _fill(store)
    found, _revision = _export(store, WHOSE)
    written = json.dumps(found)

    assert found == json.loads(written)
    for hidden in ("handle-of", sign_in("one").digest, PARTNER.digits, MEMBER.digits):
        assert hidden not in written


def test_of_a_stranger_there_is_nothing(store: Store) -> None:
    """Every table that may know a person is named, and empty for whom it does not know."""
    _fill(store)
    found, _revision = _export(store, STRANGER)

    assert NOTHING == found


def test_who_is_erased_is_not_known_any_more(store: Store) -> None:
    """Nothing is left to be shown, and the revision says that the store has changed."""
    _fill(store)
    heard: list[int] = []
    before = store.facts.gather([], NOON).revision

    assert before + 1 == store.personal_data.erase(WHOSE, heard.append)
    assert [before + 1] == heard
    assert (NOTHING, before + 1) == _export(store, WHOSE)
    assert store.registry.person(WHOSE) is None
    assert [] == store.registry.standing_of(WHOSE)
    with pytest.raises(Conflict, match=r"^the sign-in of this token was erased$"):
        store.sign_ins.of_digest(sign_in("one").digest)
    assert store.delegations.find("a-mine") is None


def test_decisions_about_the_erased_are_those_about_a_stranger(store: Store) -> None:
    """Registration, standing, delegation and sign-in are all as if never heard of."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    company = Question(WHOSE, "open", CompanyAsked(COMPANY), sign_in="handle-of-one")
    process = Question(WHOSE, "open", ProcessAsked(ProcessName("P001"), COMPANY))
    about_company, about_process = gather(store.facts, company, process)

    assert PersonFacts(WHOSE.digits, registered=False, confirmed=False) == about_company.actor
    assert isinstance(about_company.resource, CompanyFacts)
    assert "none" == about_company.resource.standing.role
    assert about_company.sign_in is None
    assert isinstance(about_process.resource, ProcessFacts)
    assert "none" == about_process.resource.delegation.state


def test_an_act_on_what_is_others_stays_without_its_actor(store: Store) -> None:
    """A delegation that the person granted goes on, its history intact, with nobody's CPF."""
    _fill(store)
    before = store.delegations.find("b-theirs")
    store.personal_data.erase(WHOSE, untold)
    after = store.delegations.find("b-theirs")

    assert before is not None
    assert after is not None
    assert [WHOSE, PARTNER] == [event.actor for event in before.history]
    assert [ERASED, PARTNER] == [event.actor for event in after.history]
    assert [event.kind for event in before.history] == [event.kind for event in after.history]


def test_a_delegation_that_the_erased_granted_can_be_ended(store: Store) -> None:
    """What stays behind without its grantor is still a delegation like any other."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    [theirs, _another] = store.delegations.of_company(COMPANY)
    _apply(store, event=(theirs, _event(PARTNER, EventKind.REVOKED)))
    ended = store.delegations.find("b-theirs")

    assert ended is not None
    assert EventKind.REVOKED is ended.ended


def test_others_are_kept_as_they_were(store: Store) -> None:
    """All that is shown to the others is the same before and after, but for whose act it was."""
    _fill(store)
    store.surrogates.surrogates([PARTNER, MEMBER])
    before = [_export(store, cpf)[0] for cpf in (PARTNER, MEMBER)]
    store.personal_data.erase(WHOSE, untold)
    partner, member = (_export(store, cpf)[0] for cpf in (PARTNER, MEMBER))

    for name in ("people", "surrogates", "standings", "sign_ins", "delegations"):
        assert [each[name] for each in before] == [partner[name], member[name]]
    assert before[0]["delegation_events"][2:] == partner["delegation_events"]
    assert ["***.684.025-**", "***.444.777-**", "***.444.777-**"] == [
        row["actor"] for row in before[1]["delegation_events"]
    ]
    assert [ERASED.masked, "***.444.777-**", "***.444.777-**"] == [
        row["actor"] for row in member["delegation_events"]
    ]


def test_the_pairing_with_the_surrogate_is_gone(store: Store) -> None:
    """Who comes back has another name in the log, so the old lines are about nobody."""
    before = store.surrogates.surrogates([WHOSE, PARTNER])
    store.personal_data.erase(WHOSE, untold)
    after = store.surrogates.surrogates([WHOSE, PARTNER])

    assert before[WHOSE] != after[WHOSE]
    assert before[PARTNER] == after[PARTNER]


def test_the_erased_may_come_back(store: Store) -> None:
    """A new token, with an answer older than the forgotten one, makes the person known anew."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    seen = answer(standing(OTHER_COMPANY, Role.CONTADOR), moment=NOON - HOUR)
    keep(store, sign_in("three"), seen)

    assert Person(WHOSE, NOON) == store.registry.person(WHOSE)
    assert [OTHER_COMPANY] == [one.company for one in store.registry.standing_of(WHOSE)]


@pytest.mark.parametrize("name", ["one", "two"])
def test_no_token_brings_back_the_erased(store: Store, name: str) -> None:
    """What made a sign-in that was erased makes no other one, by power of attorney or not."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    heard: list[int] = []
    before = store.facts.gather([], NOON).revision
    for _ in range(2):
        with pytest.raises(Conflict, match=r"^the sign-in of this token was erased$"):
            keep(store, sign_in(name), answer(standing()), heard.append)

    with pytest.raises(Conflict, match=r"^the sign-in of this token was erased$"):
        store.sign_ins.of_digest(sign_in(name).digest)
    assert store.registry.person(WHOSE) is None
    assert [] == heard
    assert before == store.facts.gather([], NOON).revision


def test_the_tokens_of_others_are_not_spent(store: Store) -> None:
    """Neither their sign-ins go nor is a token refused that nobody has brought yet."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    keep(store, sign_in("another", PARTNER))

    for name in ("partner", "another"):
        assert store.sign_ins.of_digest(sign_in(name).digest) is not None


@pytest.mark.parametrize(("late", "refused"), [(DAY, True), (DAY + TICK, False)])
def test_a_spent_token_is_forgotten_a_day_after_its_end(
    store: Store, late: timedelta, refused: bool
) -> None:
    """The next sign-in, whoever's it is, sweeps it out; by then no verifier takes it."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    keep(store, sign_in("another", PARTNER, sign_in("one").ends_at + late))
    came_out = "kept"
    try:
        # Long before, so that nothing is swept out by this one.
        keep(store, sign_in("one"))
    except Conflict:
        came_out = "refused"

    assert ("refused" if refused else "kept") == came_out


def test_a_spent_token_is_swept_out_before_it_is_refused(store: Store) -> None:
    """A token that comes when it would be forgotten is as new, and may be erased once more."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    late = sign_in("one", began_at=sign_in("one").ends_at + DAY + TICK)
    keep(store, late)
    kept = store.sign_ins.of_digest(late.digest)
    store.personal_data.erase(WHOSE, untold)

    assert late == kept
    with pytest.raises(Conflict):
        keep(store, late)


def test_a_token_is_not_spent_by_an_erasure_that_was_not_done(store: Store) -> None:
    """What no log takes leaves the sign-in, and the token may be erased with it later."""
    _fill(store)

    def _refuse(_revision: int) -> None:
        raise StoreUnavailable("no log")

    with pytest.raises(StoreUnavailable):
        store.personal_data.erase(WHOSE, _refuse)
    with pytest.raises(Conflict, match=r"^what is to be written contradicts what is stored$"):
        keep(store, sign_in("one"))


def test_whom_govbr_answered_about_may_be_asserted_once_erased(store: Store) -> None:
    """That there was an answer is forgotten with the person."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    asserted = standing(evidence=Evidence.ASSERTED)
    store.registry.save_standing(asserted, untold)

    assert [asserted] == store.registry.standing_of(WHOSE)


def test_whom_nobody_knows_cannot_be_erased(store: Store) -> None:
    """Nothing is written or told, and who was erased is from then on whom nobody knows."""
    _fill(store)
    store.personal_data.erase(WHOSE, untold)
    before = _export(store, PARTNER)
    heard: list[int] = []

    for person in (STRANGER, WHOSE):
        assert store.personal_data.erase(person, heard.append) is None
    assert ([], before) == (heard, _export(store, PARTNER))


def test_what_cannot_be_told_is_not_erased(store: Store) -> None:
    """An act that no log takes leaves everything as it was."""
    _fill(store)
    before = _export(store, WHOSE)

    def _refuse(_revision: int) -> None:
        raise StoreUnavailable("no log")

    with pytest.raises(StoreUnavailable, match=r"^no log$"):
        store.personal_data.erase(WHOSE, _refuse)
    assert before == _export(store, WHOSE)


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        ("a pedido de 722.684.025-17", "a pedido de [cpf]"),
        ("CPF72268402517, 722 684 025 17; 722-684-025/17", "CPF[cpf], [cpf]; [cpf]"),
        ("protocolo 172268402517 e 722684025170", "protocolo 172268402517 e 722684025170"),
        ("7 2 2 6 8 4 0 2 5 1 7", "[cpf]"),
        ("72.26.84.02.51.7, 7226 8402 517", "[cpf], [cpf]"),
        ("7, 2, 2, 6, 8, 4, 0, 2, 5, 1, 7.", "[cpf]."),
        ("722 - 684 - 025 - 17", "[cpf]"),
        ("722_684_025\n17\x01", "[cpf]\x01"),
        ("72268\u200b402517", "[cpf]"),
        ("７２２.６８４.０２５-１７", "[cpf]"),
        ("de ７２２６８４０２５１７ e ٧٢٢٦٨٤٠٢٥١٧ ficam", "de [cpf] e [cpf] ficam"),
        ("७ २ २ ६ ८ ४ ० २ ५ १ ७", "[cpf]"),
        ("𝟕𝟐𝟐𝟔𝟖𝟒𝟎𝟐𝟓𝟏𝟕, 722684٠٢٥17", "[cpf], [cpf]"),
        ("１72268402517 e 72268402517٠", "１72268402517 e 72268402517٠"),
        ("７２２.６８４.０２５-１８", "７２２.６８４.０２５-１８"),
        ("722684025", "722684025"),
        ("7 2 2 6 8 4 0 2 5 e 1 7", "7 2 2 6 8 4 0 2 5 e 1 7"),
        ("722----684025 17", "722----684025 17"),
        ("de 111.444.777-35", "de 111.444.777-35"),
        ("722 casos, 684 e 025 de 17", "722 casos, 684 e 025 de 17"),
        ("ação", "ação"),
    ],
)
def test_free_text_forgets_the_cpf_of_the_erased_alone(
    store: Store, why: str, expected: str
) -> None:
    """However it is written it is taken out; other numbers and other people's stay."""
    store.catalogue.save_processes([P001], NOON, untold)
    _apply(store, _delegation("one", MEMBER, _event(PARTNER, why=why)))
    store.personal_data.erase(WHOSE, untold)
    found = store.delegations.find("one")

    assert found is not None
    assert expected == found.history[0].why


def test_a_bond_stays_when_its_proof_named_the_erased(store: Store) -> None:
    """The proof of a bond is the company's; only the number is taken out of it."""
    store.registry.save_bond(Bond(FILIAL, COMPANY, f"ata de {WHOSE.digits}", NOON), untold)
    # The text is not shown, but it is kept.
    assert store.personal_data.erase(WHOSE, untold) is not None
    assert store.personal_data.erase(WHOSE, untold) is None
    [facts] = gather(store.facts, Question(PARTNER, "open", CompanyAsked(FILIAL)))

    assert company_of(facts).bond.in_force
