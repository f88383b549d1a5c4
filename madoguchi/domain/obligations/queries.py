"""The ledger as it stands. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from madoguchi.domain.reports.queries import Period
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Duty

from . import rules
from .measured import Measured, measure
from .models import Breach, Event, Evidence, Ledger
from .rules import Kind, Occasion, Shown, Status


@dataclass(frozen=True)
class Line:
    """One occasion with all that is known of it. ``running``: the figure so far of a month that is not over."""

    duty: Duty
    occasion: Occasion
    status: Status
    late: bool
    evidence: Evidence | None
    breach: Breach | None
    event: Event | None = None
    running: Measured | None = None

    @property
    def open_breach(self) -> bool:
        """Red: missed or not reached, and not yet closed by the city."""
        return (self.status is Status.BREACHED or self.late) and not (self.breach is not None and self.breach.closed_at)

    @property
    def unconfirmed(self) -> bool:
        """The city's approval is agreed and still missing."""
        return self.evidence is not None and self.duty.approval and self.evidence.confirmed_at is None

    @property
    def done(self) -> bool:
        """Met, and approved where that was agreed."""
        return self.status is Status.MET and not self.unconfirmed


@dataclass(frozen=True)
class Book:
    """All obligations of a contract on a day: their lines by due date."""

    today: dt.date
    since: dt.date | None
    duties: tuple[Duty, ...]
    lines: tuple[Line, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many lines are open breaches, due, met, waiting for the city, still to come, closed breaches."""
        found = Counter[str]()
        for line in self.lines:
            if line.open_breach:
                found["open"] += 1
            elif line.status is Status.BREACHED:
                found["closed"] += 1
            else:
                found[line.status.value] += 1
            found["unconfirmed"] += line.unconfirmed
        return {one: found[one] for one in ("open", "closed", "due", "met", "not_yet", "nothing", "unconfirmed")}

    def of(self, code: str) -> list[Line]:
        """The lines of one obligation."""
        return [line for line in self.lines if line.duty.code == code]

    def preparation(self) -> list[Line]:
        """What has to be there before the service begins."""
        return [line for line in self.lines if rules.kind_of(line.duty) is Kind.PREPARATION]


def ledger_of() -> Ledger | None:
    """The ledger of the contract in scope."""
    return Ledger.objects.first()


def book_of(contract: Contract, today: dt.date, *, running: bool = False) -> Book:
    """Every line of a contract; four statements, and with ``running`` the figures of the month that is not over."""
    profile, is_open = contract.profile, rules.open_days(contract.profile)
    ledger = ledger_of()
    since = ledger.opened_on if ledger else None
    events = list(Event.objects.filter(withdrawn_at=None))
    evidence = {(one.obligation, one.key): one for one in Evidence.objects.filter(withdrawn_at=None)}
    breaches = {(one.obligation, one.key): one for one in Breach.objects.all()}
    duties = rules.duties(profile)
    lines = []
    for duty in duties:
        found: Sequence[tuple[Occasion, Event | None]] = [(one, None) for one in rules.occasions(duty, profile, is_open)]
        found = [*found, *((rules.event_occasion(duty, one.pk, one.on, is_open), one) for one in events if one.obligation == duty.code)]
        for occasion, event in found:
            held = evidence.get((duty.code, occasion.key))
            shown = shown_by(held)
            status = rules.status(duty, occasion, shown, today=today, since=since)
            now_running = None
            if running and duty.threshold and held is None and occasion.opens <= today <= occasion.due:
                now_running = measure(contract, duty.threshold, Period(occasion.opens, today))
            breach = breaches.get((duty.code, occasion.key))
            late = since is not None and occasion.due >= since and rules.late(occasion, shown)
            lines.append(Line(duty, occasion, status, late, held, breach, event, now_running))
    lines.sort(key=lambda line: (line.occasion.due, line.duty.code))
    return Book(today, since, duties, tuple(lines))


def shown_by(evidence: Evidence | None) -> Shown | None:
    """Evidence as rules see it."""
    return Shown(evidence.met_on, evidence.reached) if evidence is not None else None
