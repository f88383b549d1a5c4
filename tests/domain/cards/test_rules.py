"""The state machine of a card, its places, and what is due when: as tables, and for all ways through it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.cards.access import roles_for
from madoguchi.domain.cards.enums import DifferenceKind, MoveKind, Spot, State
from madoguchi.domain.cards.rules import (
    BACK,
    ENDED,
    LIVE,
    STEPS,
    Due,
    Place,
    Right,
    Sighting,
    Step,
    differences,
    due_on,
    may_follow,
    read_place,
    refusal,
    show_place,
    stage,
    verdict,
)
from madoguchi.domain.cards.words import read_number
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Cabinet, Cards

TERMS = Cards(
    number_pattern="R[0-9]{2}-[0-9]{5}",
    cabinets=(Cabinet(code="a", name="A", site="main", boxes=20, slots=60),),
    setup_daily_target=55,
)
HERE = [(state, spot) for state in LIVE for spot in Spot if spot != Spot.GONE] + [(state, Spot.GONE) for state in ENDED]
ORDINARY = [MoveKind.SET_UP, MoveKind.PASSED, MoveKind.NOTIFIED, MoveKind.PUT, MoveKind.RENOTIFIED, MoveKind.PICKED, MoveKind.ISSUED]


def after(step: Step, state: State, spot: Spot, back: State) -> tuple[State, Spot]:
    """Where a step leads from here."""
    to = back if step.to == BACK else State(step.to) if step.to else state
    return to, step.lands or spot


@pytest.mark.req("DESK-03")
def test_the_ordinary_way_leads_from_the_tray_to_the_resident() -> None:
    state, spot = State.REGISTERED, Spot.TRAY
    way = []
    for kind in ORDINARY:
        assert refusal(kind, state, spot) is None, kind
        state, spot = after(STEPS[kind], state, spot, state)
        way.append(stage(state, spot))
    assert way == ["確認待ち", "通知待ち", "格納待ち", "保管中", "保管中（再通知済み）", "取り出し中", "交付済み"]


@pytest.mark.req("DESK-03", "DESK-04")
@pytest.mark.parametrize(
    ("kind", "state", "spot", "says"),
    [
        (MoveKind.SET_UP, State.CHECKED, Spot.TRAY, "設定待ちのカード"),
        (MoveKind.PASSED, State.REGISTERED, Spot.TRAY, "交付前設定が済んだカード"),
        (MoveKind.NOTIFIED, State.SET_UP, Spot.TRAY, "設定の確認まで済んだ"),
        (MoveKind.ISSUED, State.CHECKED, Spot.SLOT, "通知済みのカード"),
        (MoveKind.ISSUED, State.ISSUED, Spot.GONE, "「交付済み」です"),
        (MoveKind.ISSUED, State.NOTIFIED, Spot.LOST, "先に「格納」"),
        (MoveKind.PICKED, State.NOTIFIED, Spot.PICK, "すでに交付トレイ"),
        (MoveKind.DISPOSED, State.NOTIFIED, Spot.SLOT, "廃棄を提案されたカード"),
        (MoveKind.PROPOSED, State.SET_UP, Spot.TRAY, "確認を済ませてから"),
        (MoveKind.RETURNED, State.PROPOSED, Spot.SLOT, "済ませてから返戻"),
        (MoveKind.PUT, State.DISPOSED, Spot.GONE, "「廃棄済み」です"),
        (MoveKind.TAKEN_BACK, State.DISPOSED, Spot.GONE, "交付と返戻の記録"),
    ],
)
def test_a_step_out_of_turn_says_where_the_card_stands(kind: MoveKind, state: State, spot: Spot, says: str) -> None:
    told = refusal(kind, state, spot)
    assert told is not None
    assert says in told
    assert "「" in told, "it says where the card stands"


@pytest.mark.req("DESK-03")
def test_from_everywhere_the_end_is_reached_and_somebody_may_take_the_next_step(contracts: dict[str, Contract]) -> None:
    profiles = [c.profile.cards for c in contracts.values() if c.profile.cards]
    assert profiles
    assert all(roles_for(right, terms) for right in Right for terms in profiles)
    ends = {here for here in HERE if here[0] in ENDED}
    reach = set(ends)
    grown = True
    while grown:
        grown = False
        for here in HERE:
            steps = [s for s in STEPS.values() if refusal(s.kind, *here) is None]
            if here not in reach and any(after(s, *here, back) in reach for s in steps for back in LIVE if s.kind != MoveKind.TAKEN_BACK):
                reach.add(here)
                grown = True
    assert set(HERE) == reach


@pytest.mark.req("DESK-03")
@given(st.data())
def test_whatever_is_done_a_card_has_a_place_that_fits_its_state(data: st.DataObject) -> None:
    state, spot, last = State.REGISTERED, Spot.TRAY, State.REGISTERED
    for _ in range(data.draw(st.integers(1, 25))):
        kinds = [kind for kind in STEPS if refusal(kind, state, spot) is None]
        assert kinds or state == State.DISPOSED, f"nothing can be done with a card that is {state} at {spot}"
        if not kinds:
            break
        step = STEPS[data.draw(st.sampled_from(kinds))]
        before = state
        state, spot = after(step, state, spot, last)
        assert may_follow(step.kind, before, state)
        last = before if state != before else last
        assert (state in ENDED) == (spot == Spot.GONE)
        assert stage(state, spot)
        assert state != State.ISSUED or before in (State.NOTIFIED, State.RENOTIFIED), "nobody gets a card that was not told of"


@pytest.mark.req("DESK-03")
def test_what_is_due_and_from_which_day() -> None:
    first, noticed, again = dt.date(2026, 1, 5), dt.date(2026, 1, 20), dt.date(2026, 5, 1)

    def due(state: State, notified: dt.date | None = None, renotified: dt.date | None = None) -> tuple[Due, dt.date] | None:
        return due_on(state, arrived=first, notified=notified, renotified=renotified, terms=TERMS)

    assert due(State.REGISTERED) == due(State.SET_UP) == due(State.CHECKED) == (Due.SETUP, dt.date(2026, 1, 19))
    assert due(State.NOTIFIED, noticed) == (Due.SECOND, dt.date(2026, 4, 20))
    assert due(State.RENOTIFIED, noticed, again) == (Due.DISPOSAL, dt.date(2027, 1, 20)), "a year after the first is later here"
    assert due(State.RENOTIFIED, noticed, dt.date(2026, 12, 1)) == (Due.DISPOSAL, dt.date(2027, 3, 1)), "and here the second notice is"
    assert due(State.PROPOSED, noticed, again) is None
    assert due(State.ISSUED, noticed) is None


@pytest.mark.req("DESK-03", "SEC-04")
@pytest.mark.parametrize(
    ("typed", "number"),
    [("R08-00001", "R08-00001"), (" r08-00001\t", "R08-00001"), ("Ｒ０８－００００１", "R08-00001"), ("R08ー00001", "R08-00001"), ("R08 -00001", "R08-00001")],
)
def test_a_number_is_read_as_scanners_and_people_write_it(typed: str, number: str) -> None:
    assert read_number(typed, TERMS) == number


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize("typed", ["123456789018", "1234-5678-9018", "１２３４５６７８９０１８", "123456789012", "1234 5678 9012", "一二三四五六七八九〇一八"])
def test_twelve_digits_are_never_a_number_whatever_the_pattern_allows(typed: str) -> None:
    lax = TERMS.model_copy(update={"number_pattern": "[0-9-]{4,20}"})
    with pytest.raises(ValueError, match="マイナンバー") as refused:
        read_number(typed, lax)
    assert not any(c.isdigit() for c in str(refused.value).replace("12桁", "")), "what was typed is not repeated"


@pytest.mark.req("DESK-03")
def test_other_words_for_a_number_say_what_to_scan() -> None:
    for typed in ("", "  ", "山田太郎", "R08-1", "R08-000001", "A-03"):
        with pytest.raises(ValueError, match="読み取"):
            read_number(typed, TERMS)


@pytest.mark.req("DESK-03")
def test_labels_of_places() -> None:
    assert read_place("A-03", TERMS) == ("a", 3, None)
    assert read_place("ａ－０３－１２", TERMS) == ("a", 3, 12)
    assert read_place("a-3-1", TERMS) == ("a", 3, 1)
    assert read_place("R08-00001", TERMS) is None
    assert read_place("C-01", TERMS) is None
    with pytest.raises(ValueError, match="1から20"):
        read_place("A-21", TERMS)
    with pytest.raises(ValueError, match="1から60"):
        read_place("A-20-61", TERMS)
    assert Place(Spot.SLOT, "a", 3, 12).code == "A-03-12"
    assert show_place("tray") == "作業トレイ"
    assert show_place("A-03-12") == "A-03-12"


@pytest.mark.req("DESK-03")
@pytest.mark.parametrize(
    ("recorded", "box", "cabinet", "kind"),
    [
        ("A-03-12", "A-03", "a", None),
        ("A-04-12", "A-03", "a", DifferenceKind.WRONG_PLACE),
        ("B-03-12", "A-03", "a", DifferenceKind.UNEXPECTED),
        ("B-03-12", "A-03", "", DifferenceKind.WRONG_PLACE),
        ("tray", "A-03", "", DifferenceKind.UNEXPECTED),
        ("gone", "A-03", "a", DifferenceKind.UNEXPECTED),
        (None, "A-03", "a", DifferenceKind.UNKNOWN),
    ],
)
def test_what_a_sighting_means(recorded: str | None, box: str, cabinet: str, kind: DifferenceKind | None) -> None:
    assert verdict(recorded, box, cabinet) == kind


@pytest.mark.req("DESK-03")
def test_a_card_moved_after_its_scan_is_no_difference() -> None:
    seen = [Sighting("1", "A-01", "A-02-01", moved_since=True), Sighting("2", "A-01", "A-02-02"), Sighting("3", "A-01", "A-01-03")]
    assert differences(seen, [("4", "A-09-01")], "a") == [
        (DifferenceKind.WRONG_PLACE, "2", "A-02-02", "A-01"), (DifferenceKind.MISSING, "4", "A-09-01", ""),
    ]  # fmt: skip
