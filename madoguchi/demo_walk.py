"""Works synthetic cases by the same deeds as real ones."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator

from madoguchi.domain.cases.enums import Side, State
from madoguchi.domain.cases.hands import Hand
from madoguchi.domain.cases.models import Case
from madoguchi.domain.cases.queries.flows import worked
from madoguchi.domain.cases.rules import Step, Way
from madoguchi.domain.cases.services import work
from madoguchi.ground.contracts.models import Contract

MOST_STEPS = 24


def no_card(_case: Case) -> str:
    """No card of the stock is known for the person."""
    return ""


class Walker:
    """Leaves the steps of cases by the contract's hands: mostly by the first way, by dice by another.

    ``card`` names the card of the stock for a case; without one it is handed over as one from outside the stock.
    """

    def __init__(
        self, contract: Contract, *, clerk: Hand, city: Hand, dice: random.Random, keys: Iterator[str], odd: float = 0.07,
        card: Callable[[Case], str] = no_card,
    ) -> None:  # fmt: skip
        self.contract, self.clerk, self.city, self.dice, self.keys, self.odd, self.card = contract, clerk, city, dice, keys, odd, card

    def go(
        self, case: Case, at: dt.datetime, *, limit: dt.datetime, until: str = "", seconds: tuple[int, int] = (70, 420), hurry: bool = False
    ) -> tuple[Case, dt.datetime]:
        """Work a case on until its end, or until it stands at the step ``until`` or the moment ``limit`` is reached.

        ``hurry``: what is left at the limit is done at the limit. Returns the case and the moment of the last deed.
        """
        flow = worked(self.contract, case.flow)
        for _ in range(MOST_STEPS):
            if case.state != State.ACTIVE or case.step == until:
                break
            later = at + dt.timedelta(seconds=self.dice.randint(*seconds))
            if later > limit and not hurry:
                break
            at = min(later, limit)
            step = flow.step(case.step)
            if step.line == Side.CITY:
                case = work.take(self.contract, case.pk, version=case.moves, key=next(self.keys), hand=self.city, now=at)
                at = min(at + dt.timedelta(seconds=self.dice.randint(60, 240)), limit)
            case = self.leave(case, step, at)
        return case, at

    def leave(self, case: Case, step: Step, at: dt.datetime, way: Way | None = None) -> Case:
        """Leave a step, by a way of the dice if none is given."""
        if way is None:
            way = self.dice.choice(step.ways[1:]) if len(step.ways) > 1 and self.dice.random() < self.odd else step.ways[0]
        codes = [item.code for item in step.items]
        missing = codes[:1] if way.ends == "sent_home" else []
        card = self.card(case) if way.hands_over else ""
        return work.finish_step(
            self.contract, case.pk, way.code, ticked=[code for code in codes if code not in missing], missing=missing,
            reason=way.reasons[0].code if way.reasons else "", card=card, outside=not card, version=case.moves, key=next(self.keys),
            hand=self.city if step.line == Side.CITY else self.clerk, now=at,
        )  # fmt: skip
