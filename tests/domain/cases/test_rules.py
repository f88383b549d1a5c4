"""Flows: every shipped one ends for everybody, lets nobody do another's work, and every way to break one is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from madoguchi.domain.cases.rules import (
    EARLY,
    Flow,
    FlowRefused,
    Line,
    Step,
    Way,
    diff,
    edited,
    leave,
    lint,
    may_end,
    resume_point,
)
from madoguchi.domain.cases.shipped import CITY_DECIDES, FOLDER, FlowError, read, shipped_flows

FLOWS = shipped_flows()
flows = st.sampled_from(sorted(FLOWS)).map(FLOWS.__getitem__)
SURELY = 400
PARTS = ("counter", "leader", "city")


def switched(flow: Flow, dice: random.Random) -> Flow:
    """The flow with some of its optional steps off."""
    steps = tuple(step.model_copy(update={"on": not step.optional or dice.random() < 0.5}) for step in flow.steps)
    return flow.model_copy(update={"steps": steps}).active


def left(flow: Flow, step: Step, way: Way) -> Any:
    """What the right hand with everything in order comes to by this way."""
    items = [item.code for item in step.items]
    missing, ticked = (items[:1], items[1:]) if way.ends == "sent_home" else ([], items)
    reason = way.reasons[0].code if way.reasons else ""
    return leave(flow, step.code, way.code, part=step.by[0], ticked=ticked, missing=missing, reason=reason)


@pytest.mark.req("DESK-02")
def test_twelve_flows_are_shipped_and_nothing_is_wrong_with_them() -> None:
    assert len(FLOWS) == 12
    assert [str(fault) for flow in FLOWS.values() for fault in lint(flow, CITY_DECIDES)] == []
    every = [step for flow in FLOWS.values() for step in flow.steps]
    assert all(step.source for step in every)
    assert not any(step.confirmed for step in every), "only a city confirms"
    examined = {code for code, flow in FLOWS.items() if any(step.decides for step in flow.steps)}
    assert set(FLOWS) - examined == {"application_support", "health_insurance", "mynaportal"}, "nothing is decided there"


@pytest.mark.req("DESK-02")
@given(flows, st.integers(0, 10**6))
def test_every_walk_ends_and_every_step_is_somebodys(flow: Flow, seed: int) -> None:
    dice = random.Random(seed)
    flow = switched(flow, dice)
    code, steps = flow.first, 0
    while True:
        step = flow.step(code)
        way = dice.choice(step.ways)
        found = left(flow, step, way)
        if found.outcome:
            assert found.outcome in ("done", "sent_home", "refused", "given_up", "moved") and found.to is None
            assert (found.outcome != "refused") or step.line is Line.CITY
            break
        code, steps = found.to, steps + 1
        assert steps < SURELY


@pytest.mark.req("DESK-02")
@given(flows, st.data())
def test_nobody_but_the_allowed_takes_a_step(flow: Flow, data: st.DataObject) -> None:
    step = data.draw(st.sampled_from(flow.steps))
    way = data.draw(st.sampled_from(step.ways))
    for part in PARTS:
        if part in step.by:
            continue
        with pytest.raises(FlowRefused, match="だけができます"):
            leave(flow, step.code, way.code, part=part, ticked=[item.code for item in step.items])  # type: ignore[arg-type]
    if step.decides:
        assert step.by == ("city",)


@pytest.mark.req("DESK-02")
@given(flows, st.integers(0, 10**6))
def test_an_interrupted_walk_ends_like_the_uninterrupted_one(flow: Flow, seed: int) -> None:
    dice = random.Random(seed)
    flow = switched(flow, dice)
    plan = {step.code: dice.choice(step.ways) for step in flow.steps}

    def walk(*, interrupted: bool) -> tuple[str, str] | None:
        code, pauses = flow.first, set()
        for _ in range(SURELY):
            step = flow.step(code)
            if interrupted and step.resume and code not in pauses:
                pauses.add(code)
                code = resume_point(flow, code, step.by[0])
                continue
            way = plan[code]
            if way.ends:
                return code, way.ends
            code = str(way.to)
        return None

    assert walk(interrupted=True) == walk(interrupted=False)


@pytest.mark.req("DESK-02")
@given(flows, st.data())
def test_what_is_not_checked_is_not_left(flow: Flow, data: st.DataObject) -> None:
    step = data.draw(st.sampled_from([one for one in flow.steps if any(item.required for item in one.items)]))
    way = data.draw(st.sampled_from([one for one in step.ways if one.needs_all] or [None]))  # type: ignore[list-item]
    if way is None:
        return
    required = [item for item in step.items if item.required]
    gone = data.draw(st.sampled_from(required))
    reason = way.reasons[0].code if way.reasons else ""
    ticked = [item.code for item in required if item != gone]
    with pytest.raises(FlowRefused, match="まだ確認していない"):
        leave(flow, step.code, way.code, part=step.by[0], ticked=ticked, reason=reason)
    with pytest.raises(FlowRefused, match="足りないと印"):
        leave(flow, step.code, way.code, part=step.by[0], ticked=ticked, missing=[gone.code], reason=reason)
    assert leave(flow, step.code, way.code, part=step.by[0], ticked=[item.code for item in required], reason=reason)


@pytest.mark.req("DESK-02")
def test_refusals_say_what_to_do() -> None:
    flow = FLOWS["pin_reset"]
    for values, why in (
        ({"way": "fly"}, "ボタンで選んで"),
        ({"ticked": ["nothing"]}, "画面を開き直して"),
        ({"ticked": ["card"], "missing": ["card"]}, "両方に印"),
        ({"way": "missing"}, "足りないものに印"),
    ):
        asked: dict[str, Any] = {"way": "next", "ticked": [], **values}
        with pytest.raises(FlowRefused, match=why):
            leave(flow, "documents", asked.pop("way"), part="counter", **asked)
    with pytest.raises(FlowRefused, match="理由を選んで"):
        leave(flow, "examine", "refuse", part="city", ticked=["seen"])
    assert leave(flow, "documents", "missing", part="counter", ticked=[], missing=["form", "card"]).missing == ("card", "form")
    with pytest.raises(FlowRefused, match="中断できません"):
        resume_point(flow, "pin", "counter")
    with pytest.raises(FlowRefused, match="中断は"):
        resume_point(flow, "documents", "city")
    for outcome in EARLY:
        may_end(outcome)
    for outcome in ("done", "refused", "sent_home", ""):
        with pytest.raises(FlowRefused, match="終わり方"):
            may_end(outcome)


Break = Callable[[dict[str, Any], dict[str, Any]], None]


def some(step: dict[str, Any], **values: Any) -> None:
    step.update(values)


BREAKS: list[tuple[Break, str, Callable[[Step], bool]]] = [
    (lambda _, step: step["ways"].append({**step["ways"][0], "code": "new", "to": "nowhere", "ends": None}), "which is no step", lambda _: True),
    (lambda _, step: step["ways"].append({**step["ways"][0], "code": "new", "to": None, "ends": None}), 'needs either "to" or "ends"', lambda _: True),
    (lambda _, step: step["ways"].append({**step["ways"][0], "code": "new", "to": "x", "ends": "done"}), 'needs either "to" or "ends"', lambda _: True),
    (lambda _, step: step["ways"].append(step["ways"][0]), "stands twice", lambda _: True),
    (lambda flow, step: flow["steps"].append(step), "stands twice", lambda _: True),
    (lambda flow, step: flow["steps"].append({**step, "code": "island", "resume": None}), "cannot be reached", lambda _: True),
    (
        lambda _, step: some(step, ways=[{**way, "to": step["code"], "ends": None} for way in step["ways"]]),
        "never comes to an end", lambda s: not s.decides and s.kind != "handover",
    ),
    (lambda _, step: some(step, by=["counter", *step["by"]]), "which only the city may", lambda s: bool(s.decides)),
    (lambda _, step: some(step, by=["counter"]), "which only the city may", lambda s: bool(s.decides)),
    (lambda _, step: some(step, kind="check"), 'kind must be "decision"', lambda s: bool(s.decides)),
    (lambda _, step: some(step, ways=[way for way in step["ways"] if way["ends"]]), "no way leads back", lambda s: bool(s.decides)),
    (lambda _, step: some(step, kind="check"), "without handing over", lambda s: s.kind == "handover"),
    (lambda _, step: some(step, kind="handover"), "does not lead to the city", lambda s: s.line is Line.COUNTER and s.kind != "handover" and not s.optional),
    (lambda _, step: some(step, resume="nowhere"), "resumes at", lambda _: True),
    (lambda _, step: some(step, kind="document", items=[]), "names none", lambda s: s.kind != "document" and not s.decides),
    (lambda _, step: some(step, on=False), "is off and not optional", lambda s: not s.optional),
    (lambda _, step: some(step, optional=True), "cannot be optional", lambda s: bool(s.decides) or s.kind == "handover"),
    (lambda _, step: some(step, ways=[{**w, "reasons": []} for w in step["ways"]]), "without reasons", lambda s: any(w.ends == "refused" for w in s.ways)),
    (
        lambda _, step: step["ways"].append({"code": "no", "label": "x", "ends": "refused", "reasons": [{"code": "r", "label": "r"}]}),
        "the step decides nothing", lambda s: not s.decides,
    ),
]  # fmt: skip


@pytest.mark.req("DESK-02")
@pytest.mark.parametrize("which", range(len(BREAKS)), ids=[f"{n}-{reason[:24]}" for n, (_, reason, _) in enumerate(BREAKS)])
def test_every_way_to_break_every_step_of_every_flow_is_found_and_named(which: int) -> None:
    mutate, reason, fits = BREAKS[which]
    places = [(flow, at) for flow in FLOWS.values() for at, step in enumerate(flow.steps) if fits(step)]
    assert len(places) >= len(FLOWS) / 2
    for flow, at in places:
        raw = flow.model_dump(mode="json")
        step = raw["steps"][at]
        mutate(raw, step)
        faults = lint(Flow.model_validate(raw), CITY_DECIDES)
        named = [fault for fault in faults if reason in fault.reason and fault.step in (step["code"], "island")]
        assert named, (flow.code, step["code"], [str(fault) for fault in faults])


@pytest.mark.req("DESK-02")
def test_a_resume_point_lies_on_every_way() -> None:
    raw = FLOWS["certificate"].model_dump(mode="json")
    next(step for step in raw["steps"] if step["code"] == "write")["resume"] = "reset"
    assert [str(fault) for fault in lint(Flow.model_validate(raw), CITY_DECIDES)] == [
        'step "write": resumes at "reset", which not every case has passed'
    ]  # fmt: skip


@pytest.mark.req("DESK-02")
@pytest.mark.parametrize(
    ("change", "into", "says"),
    [
        ('kind = "document"', 'kind = "dance"', 'pin_reset.toml: step "documents": kind: Input should be'),
        ('to = "documents"', 'to = "nowhere"', 'pin_reset.toml: step "welcome": way "next" leads to "nowhere", which is no step'),
        ('resume = "welcome"', 'colour = "red"', 'pin_reset.toml: step "welcome": colour: Extra inputs are not permitted'),
        ('by = ["city"]', 'by = ["counter"]', 'pin_reset.toml: step "examine": decides identity, examination, which only the city may'),
        ('by = ["city"]', "by = []", 'pin_reset.toml: step "examine": by: Tuple should have at least 1 item'),
        ('by = ["city"]', 'by = ["mayor"]', 'pin_reset.toml: step "examine": by[0]: Input should be'),
        ('code = "pin_reset"', 'code = "pin"', 'pin_reset.toml: code must be "pin_reset" like the file'),
        ('first = "welcome"', 'first = "nobody"', 'pin_reset.toml: first: there is no step "nobody"'),
        ("[[steps]]", "[[steps", "pin_reset.toml: "),
    ],
)
def test_a_broken_file_names_file_step_and_reason(change: str, into: str, says: str) -> None:
    text = (FOLDER / "pin_reset.toml").read_text()
    assert change in text
    with pytest.raises(FlowError) as wrong:
        read(text.replace(change, into, 1), "pin_reset.toml")
    assert any(line.startswith(says) for line in wrong.value.lines), wrong.value.lines


@pytest.mark.req("DESK-02")
def test_a_flow_is_frozen() -> None:
    with pytest.raises(ValidationError):
        FLOWS["pin_reset"].name = "x"  # type: ignore[misc]


@pytest.mark.req("DESK-02", "CON-01")
def test_a_decision_the_city_has_left_to_the_contractor_is_the_leaders() -> None:
    flow = FLOWS["pin_reset"]
    assert flow.fitted(CITY_DECIDES) == flow
    assert flow.fitted(["examination"]) == flow, "one of its decisions is still the city's"
    left_over = flow.fitted(["issuance"])
    assert left_over.step("examine").by == ("leader", "city")
    assert lint(left_over, ["issuance"]) == []
    assert left_over.step("examine").line is Line.CITY, "it still stands on the city's list"
    assert leave(left_over, "examine", "approve", part="leader", ticked=["seen"]).to == "pin"


@pytest.mark.req("DESK-02")
def test_a_manager_changes_words_order_and_optional_steps_and_nothing_else() -> None:
    flow = FLOWS["issuance_at_delivery"]
    items = [item.model_dump() for item in reversed(flow.step("documents").items)]
    changed = edited(flow, {"documents": {"title": "書類", "items": items, "by": ["city"], "ways": []}, "use": {"on": False}})
    assert (changed.step("documents").title, changed.step("documents").by) == ("書類", ("counter", "leader"))
    assert changed.step("documents").ways == flow.step("documents").ways
    assert changed.active.step("issue").way("next").to == "finish"  # type: ignore[union-attr]
    assert lint(changed, CITY_DECIDES) == []
    said = [(one.step, one.what) for one in diff(flow, changed)]
    assert said == [("書類", "名称"), ("書類", "項目の順"), ("健康保険証利用・公金受取口座を案内する", "使う")]
    assert diff(flow, flow) == []
    off = edited(flow, {"examine": {"on": False}})
    assert [fault.step for fault in lint(off, CITY_DECIDES)] == ["examine"]
    with pytest.raises(ValidationError):
        edited(flow, {"documents": {"title": ""}})
