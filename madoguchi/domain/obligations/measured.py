"""What a threshold is held against: measures of ``domain/reports``, or the telephone's answer rate as the contract defines it."""

from __future__ import annotations

from dataclasses import dataclass

from madoguchi.domain.calls.figures import figures as telephone_figures
from madoguchi.domain.calls.queries.calls import counted
from madoguchi.domain.calls.rules import definitions
from madoguchi.domain.reports.measures import MEASURES
from madoguchi.domain.reports.queries import Period, figures
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Threshold

CONTRACT_ANSWER_RATE = "contract_answer_rate"


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of a period: its value (None: nothing to divide), as people read it, and whether it is enough (None with the value)."""

    value: float | None
    text: str
    reached: bool | None


def measure(contract: Contract, threshold: Threshold, period: Period) -> Measured:
    """The figure of a period, held against its threshold (inside ``contract_scope``)."""
    if threshold.measure == CONTRACT_ANSWER_RATE:
        definition = definitions(contract.profile)[0]
        value, title, share = telephone_figures(counted(contract, period.first, period.last), definition).answer_rate, definition.name, True
    else:
        one = MEASURES[threshold.measure]
        (figure,) = figures(contract, [one.code], period)
        value, title, share = figure.value, one.title, one.unit == "%"
    if value is None:
        return Measured(None, f"{title}：数えるものがありません", None)
    reached = value >= threshold.value if threshold.compare == "at_least" else value <= threshold.value
    return Measured(value, f"{title}：{_shown(value, share)}（基準 {_shown(threshold.value, share)}{_word(threshold)}）", reached)


def _shown(value: float, share: bool) -> str:
    return f"{value * 100:.1f}%" if share else f"{value:,.4g}"


def _word(threshold: Threshold) -> str:
    return "以上" if threshold.compare == "at_least" else "以下"
