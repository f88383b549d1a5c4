"""Flows as data, and every decision about them: pure, without database and clock.

A :class:`Flow` is read from TOML (``flows.py``) or from a version's row, and says who may do which step, what is checked before it is
left, and where each way leads. :func:`lint` finds what is wrong with one; :func:`leave` is the only way from a step to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Title = Annotated[str, Field(min_length=1, max_length=120)]
Help = Annotated[str, Field(max_length=600)]
Part = Literal["counter", "leader", "city"]
"""Who works: the contractor's counter staff, the contractor's leader, an official of the city."""
Kind = Literal["check", "document", "input", "decision", "handover", "wait", "print"]
Decision = Literal["identity", "issuance", "examination"]
Outcome = Literal["done", "sent_home", "refused", "given_up", "moved"]
EARLY: tuple[Outcome, ...] = ("given_up", "moved")
"""Outcomes that a case may come to at any step: the person may always leave."""
CONTRACTOR: frozenset[Part] = frozenset({"counter", "leader"})


class Line(StrEnum):
    """Who has to act."""

    COUNTER = "counter"
    CITY = "city"


class Frozen(BaseModel):
    """A table of a flow: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(Frozen):
    """One thing to tick before a step is left; not ``required`` where it counts for some people only."""

    code: Code
    label: Title
    required: bool = True


class Reason(Frozen):
    """A reason that goes with a way, by its code."""

    code: Code
    label: Title


class Way(Frozen):
    """One way out of a step: ``to`` another, or ``ends`` the case. ``needs_all``: every required item must be ticked.

    ``hands_over``: taking it hands a card of the stock to the person, where the contract has a stock.
    """

    code: Code
    label: Title
    to: Code | None = None
    ends: Outcome | None = None
    needs_all: bool = True
    hands_over: bool = False
    reasons: tuple[Reason, ...] = ()


class Step(Frozen):
    """One piece of work. ``decides`` names decisions that this step makes, ``resume`` the step to go on with another day.

    An ``optional`` step may be switched off (``on``): its first way then leads past it. ``confirmed`` is the city's word.
    """

    code: Code
    title: Title
    kind: Kind
    by: tuple[Part, ...] = Field(("counter", "leader"), min_length=1)
    help: Help = ""
    items: tuple[Item, ...] = ()
    ways: tuple[Way, ...] = Field(min_length=1)
    decides: tuple[Decision, ...] = ()
    resume: Code | None = None
    optional: bool = False
    on: bool = True
    confirmed: bool = False
    source: Help = ""

    @property
    def line(self) -> Line:
        """Who has to act at this step: the city where it decides or nobody else may."""
        return Line.CITY if "city" in self.by and (self.decides or set(self.by) == {"city"}) else Line.COUNTER

    def way(self, code: str) -> Way | None:
        """The way of that code."""
        return next((way for way in self.ways if way.code == code), None)


class Flow(Frozen):
    """The declared work of a procedure. ``procedures`` are the codes it can be opened for."""

    code: Code
    name: Title
    procedures: tuple[Code, ...] = Field(min_length=1)
    first: Code
    source: Help = ""
    steps: tuple[Step, ...] = Field(min_length=1)

    def step(self, code: str) -> Step:
        """The step of that code. Raises ``KeyError``."""
        for step in self.steps:
            if step.code == code:
                return step
        raise KeyError(code)

    @property
    def active(self) -> Flow:
        """The flow as it is worked: without the steps that are off, ways and resume points led past them."""
        past = {step.code: step.ways[0].to for step in self.steps if not step.on}
        if not past:
            return self

        def on_from(code: str | None) -> str | None:
            seen: set[str] = set()
            while code in past and code not in seen:
                seen.add(code)
                code = past[code]
            return code

        steps = tuple(
            step.model_copy(update={
                "ways": tuple(way.model_copy(update={"to": on_from(way.to)}) for way in step.ways), "resume": on_from(step.resume),
            }) for step in self.steps if step.on
        )  # fmt: skip
        return self.model_copy(update={"steps": steps, "first": on_from(self.first)})

    def fitted(self, city_decides: Collection[str]) -> Flow:
        """The flow under a contract: a decision that the city has left to the contractor may be taken by the leader too."""
        steps = tuple(
            step.model_copy(update={"by": ("leader", *step.by)})
            if step.decides and "leader" not in step.by and not set(step.decides) & set(city_decides) else step
            for step in self.steps
        )  # fmt: skip
        return self.model_copy(update={"steps": steps})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a flow: at which step (empty: the flow itself), and what."""

    step: str
    reason: str

    def __str__(self) -> str:
        return f'step "{self.step}": {self.reason}' if self.step else self.reason


def lint(flow: Flow, city_decides: Collection[str]) -> list[Fault]:
    """Everything wrong with a flow under a contract in which the city alone decides ``city_decides``; empty when it may be used."""
    faults = [*_names(flow), *_rights(flow, city_decides)]
    if faults:
        return faults
    active = flow.active
    return [*_paths(active), *_hand_overs(active), *_resumes(active)]


def _names(flow: Flow) -> Iterator[Fault]:
    codes = [step.code for step in flow.steps]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield Fault(code, "stands twice")
    if flow.first not in codes:
        yield Fault("", f'first: there is no step "{flow.first}"')
    for step in flow.steps:
        for what, found in (("item", [i.code for i in step.items]), ("way", [w.code for w in step.ways])):
            for code in sorted({code for code in found if found.count(code) > 1}):
                yield Fault(step.code, f'{what} "{code}" stands twice')
        for way in step.ways:
            if (way.to is None) == (way.ends is None):
                yield Fault(step.code, f'way "{way.code}" needs either "to" or "ends"')
            elif way.to is not None and way.to not in codes:
                yield Fault(step.code, f'way "{way.code}" leads to "{way.to}", which is no step')
        if step.resume is not None and step.resume not in codes:
            yield Fault(step.code, f'resumes at "{step.resume}", which is no step')
        if step.kind == "document" and not step.items:
            yield Fault(step.code, "checks documents and names none")
        if step.optional and (step.kind == "handover" or step.decides or step.ways[0].to is None):
            yield Fault(step.code, "cannot be optional: its first way must lead to a step, and it must neither decide nor hand over")
        if not step.on and not step.optional:
            yield Fault(step.code, "is off and not optional")


def _rights(flow: Flow, city_decides: Collection[str]) -> Iterator[Fault]:
    for step in flow.steps:
        kept = [one for one in step.decides if one in city_decides]
        if kept and set(step.by) != {"city"}:
            yield Fault(step.code, f"decides {', '.join(kept)}, which only the city may")
        if step.decides and "city" not in step.by:
            yield Fault(step.code, "decides, and the city may not take it")
        if step.decides and step.kind != "decision":
            yield Fault(step.code, 'decides, so its kind must be "decision"')
        for way in step.ways:
            if way.ends == "refused" and not step.decides:
                yield Fault(step.code, f'way "{way.code}" refuses, and the step decides nothing')
            if way.ends == "refused" and not way.reasons:
                yield Fault(step.code, f'way "{way.code}" refuses without reasons')


def _paths(flow: Flow) -> Iterator[Fault]:
    reached = _from(flow, flow.first)
    ends = {step.code for step in flow.steps if any(way.ends for way in step.ways)}
    for step in flow.steps:
        if step.code not in reached:
            yield Fault(step.code, "cannot be reached")
        elif not _from(flow, step.code) & ends:
            yield Fault(step.code, "never comes to an end")
    if not any(way.ends == "done" for step in flow.steps if step.code in reached for way in step.ways):
        yield Fault("", 'no way ends with "done"')


def _hand_overs(flow: Flow) -> Iterator[Fault]:
    for step in flow.steps:
        targets = [flow.step(way.to) for way in step.ways if way.to is not None]
        if step.kind != "handover":
            if step.line is Line.COUNTER and any(target.line is Line.CITY for target in targets):
                yield Fault(step.code, "leads to the city without handing over")
            continue
        if step.line is not Line.COUNTER:
            yield Fault(step.code, "hands over to the city, and the city already has it")
        for way in step.ways:
            if way.to is None or flow.step(way.to).line is not Line.CITY:
                yield Fault(step.code, f'hands over, and way "{way.code}" does not lead to the city')
            elif not any(flow.step(one).line is Line.COUNTER for one in _answers(flow, way.to)):
                yield Fault(way.to, "was handed over to, and no way leads back to the counter")


def _answers(flow: Flow, code: str) -> set[str]:
    """Steps that the city's steps from ``code`` on lead to, the counter's ones not followed further."""
    found: set[str] = set()
    waiting = [code]
    while waiting:
        for way in flow.step(waiting.pop()).ways:
            if way.to is not None and way.to not in found:
                found.add(way.to)
                if flow.step(way.to).line is Line.CITY:
                    waiting.append(way.to)
    return found


def _resumes(flow: Flow) -> Iterator[Fault]:
    for step in flow.steps:
        point = step.resume
        if point is None or point == step.code:
            continue
        if step.code in _from(flow, flow.first, without=point):
            yield Fault(step.code, f'resumes at "{point}", which not every case has passed')
        if flow.step(point).line is not step.line:
            yield Fault(step.code, f'resumes at "{point}", which somebody else does')


def _from(flow: Flow, start: str, without: str = "") -> set[str]:
    """Codes of the steps that can be reached from ``start``, itself included, never passing ``without``."""
    found: set[str] = set()
    waiting = [start] if start != without else []
    while waiting:
        code = waiting.pop()
        if code in found:
            continue
        found.add(code)
        waiting += [way.to for way in flow.step(code).ways if way.to is not None and way.to != without]
    return found


class FlowRefused(Exception):
    """A deed that a flow does not allow; the message tells the person at the screen why and what to do."""


@dataclass(frozen=True, slots=True)
class Left:
    """A step left by a way: the next step (None: the case ended with ``outcome``), and items that the person did not have."""

    to: str | None
    outcome: Outcome | None
    missing: tuple[str, ...]


def leave(
    flow: Flow, step: str, way: str, *, part: Part, ticked: Collection[str], missing: Collection[str] = (), reason: str = ""
) -> Left:
    """Leave a step by a way. ``ticked`` are the items that were checked, ``missing`` those that the person did not have.

    Raises :class:`FlowRefused` when the role may not, an item or a reason is not there, or nothing says why somebody is sent home.
    """
    here = flow.step(step)
    if part not in here.by:
        raise FlowRefused(f"「{here.title}」は、{'・'.join(PART_LABELS[one] for one in here.by)}だけができます。")
    chosen = here.way(way)
    if chosen is None:
        raise FlowRefused("次に進む方法を、ボタンで選んでください。")
    labels = {item.code: item.label for item in here.items}
    if not {*ticked, *missing} <= set(labels):
        raise FlowRefused("この手順にない確認項目が送られました。画面を開き直してください。")
    if both := [labels[code] for code in labels if code in ticked and code in missing]:
        raise FlowRefused(f"「確認した」と「足りない」の両方に印があります：{'、'.join(both)}。")
    lacking = tuple(code for code in labels if code in missing)
    if chosen.ends == "sent_home":
        if not lacking:
            raise FlowRefused("足りないものに印を付けてから、お帰りいただいてください。")
        return Left(None, chosen.ends, lacking)
    if chosen.needs_all:
        if lacking:
            raise FlowRefused(f"足りないと印を付けた項目があります：{'、'.join(labels[code] for code in lacking)}。")
        if open_ := [item.label for item in here.items if item.required and item.code not in ticked]:
            raise FlowRefused(f"まだ確認していない項目があります：{'、'.join(open_)}。")
    if chosen.reasons and reason not in {one.code for one in chosen.reasons}:
        raise FlowRefused(f"「{chosen.label}」の理由を選んでください。")
    return Left(chosen.to, chosen.ends, lacking)


def may_end(outcome: str) -> None:
    """Whether a case may come to this outcome apart from the ways of its steps. Raises :class:`FlowRefused`."""
    if outcome not in EARLY:
        raise FlowRefused("終わり方を選んでください。完了・お帰り・不可は、手順の中のボタンで決まります。")


def resume_point(flow: Flow, step: str, part: Part) -> str:
    """Where a case interrupted at a step goes on. Raises :class:`FlowRefused` where the step cannot be interrupted, or not by this role."""
    here = flow.step(step)
    if here.resume is None:
        raise FlowRefused(f"「{here.title}」の途中では中断できません。この手順を終えてから中断してください。")
    if part not in here.by:
        raise FlowRefused(f"中断は、{'・'.join(PART_LABELS[one] for one in here.by)}だけができます。")
    return here.resume


PART_LABELS: Mapping[Part, str] = {"counter": "窓口スタッフ", "leader": "リーダー・業務責任者", "city": "市職員"}
KIND_LABELS: Mapping[Kind, str] = {
    "check": "確認", "document": "書類", "input": "入力", "decision": "判断", "handover": "引き渡し", "wait": "待ち", "print": "印刷",
}  # fmt: skip
OUTCOME_LABELS: Mapping[Outcome, str] = {
    "done": "完了", "sent_home": "書類不足でお帰り", "refused": "市の判断で不可", "given_up": "本人が取りやめ", "moved": "ほかの窓口へ",
}  # fmt: skip
DECISION_LABELS: Mapping[Decision, str] = {"identity": "本人確認の判断", "issuance": "交付の決定", "examination": "審査"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions of a flow: where, what, before and after (empty: was not there, is not there)."""

    step: str
    what: str
    before: str
    after: str


def diff(before: Flow, after: Flow) -> list[Change]:
    """What a reader of two versions must know, in the order of the later one; steps that are gone come last."""
    changes: list[Change] = []
    _compare(changes, "", {"名称": before.name, "最初の手順": before.first}, {"名称": after.name, "最初の手順": after.first})
    old, new = ({step.code: step for step in flow.steps} for flow in (before, after))
    for code, step in new.items():
        if code not in old:
            changes.append(Change(step.title, "手順", "", step.title))
        else:
            _compare(changes, step.title, _said(old[code]), _said(step))
    changes += [Change(step.title, "手順", step.title, "") for code, step in old.items() if code not in new]
    return changes


def _said(step: Step) -> dict[str, str]:
    told: dict[str, str] = {
        "名称": step.title, "説明": step.help, "使う": "はい" if step.on else "いいえ", "担当": "・".join(PART_LABELS[one] for one in step.by),
        "中断後の再開": step.resume or "", "項目の順": " → ".join(item.label for item in step.items),
    }  # fmt: skip
    for item in step.items:
        told[f"項目 {item.code}"] = f"{item.label}（{'必須' if item.required else '該当する場合'}）"
    for way in step.ways:
        reasons = f"［{'・'.join(reason.label for reason in way.reasons)}］" if way.reasons else ""
        told[f"進み方 {way.code}"] = f"{way.label} → {way.to or OUTCOME_LABELS[way.ends or 'done']}{reasons}"
    return told


def _compare(changes: list[Change], step: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    changes.extend(
        Change(step, what, before.get(what, ""), after.get(what, ""))
        for what in [*after, *(key for key in before if key not in after)] if before.get(what, "") != after.get(what, "")
    )  # fmt: skip


def edited(flow: Flow, values: Mapping[str, Mapping[str, Any]]) -> Flow:
    """The flow with a manager's changes: by step code ``title``, ``help``, ``on`` and ``items`` in their new order.

    Raises ``pydantic.ValidationError`` for values that a flow cannot hold. Steps, ways, rights and decisions cannot be changed so.
    """
    steps = [{**step.model_dump(), **{key: value for key, value in values.get(step.code, {}).items() if key in EDITABLE}} for step in flow.steps]
    for step, before in zip(steps, flow.steps, strict=True):
        if {**step, "confirmed": before.confirmed} != before.model_dump():
            step["confirmed"] = False
    return Flow.model_validate({**flow.model_dump(), "steps": steps})


EDITABLE = frozenset({"title", "help", "on", "items"})
