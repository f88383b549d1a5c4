"""Deeds of the ledger. One lock per contract orders them, so that people and workers never see half of each other's deeds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import StaffKind
from madoguchi.domain.reports.queries import Period
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Duty
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact

from . import rules
from .enums import Source
from .errors import ObligationRefused
from .measured import measure
from .models import Breach, Event, Evidence, Ledger, Reminder
from .officials import people_of
from .queries import Line, book_of
from .rules import Kind, Status

FRESH = dt.timedelta(days=35)
"""Days after its month in which a figure is measured again."""
BY_SYSTEM = "システム"


@contextmanager
def _deed(contract: Contract) -> Iterator[None]:
    with transaction.atomic(), contract_scope(contract), audit.held_back():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('obligations', %s))", [contract.pk])
        yield


def open_ledger(contract: Contract, since: dt.date, *, by: Actor, now: dt.datetime) -> None:
    """Let occasions count from a day on. A breach that was recorded of an occasion before it stays."""
    with _deed(contract):
        values = {"opened_on": since, "set_at": now, "set_by": by.label[:80] or BY_SYSTEM}
        Ledger.objects.update_or_create(contract=contract, defaults=values)
        audit.record(contract, "obligation.opened", f"contract:{contract.code}", by=by, now=now, since=since.isoformat())


def meet(
    contract: Contract, code: str, key: str, *, met_on: dt.date, reference: str, note: str = "", file_hash: str = "", by: Actor, now: dt.datetime
) -> Evidence:
    """Enter by hand what shows that an occasion was met. A breach of it ends if it was met in time after all.

    Raises :class:`ObligationRefused` for an unknown occasion, a figure, a day that cannot be, or when it has standing evidence.
    """
    with _deed(contract):
        line = _line(contract, code, key, now)
        if line.duty.threshold is not None:
            raise ObligationRefused("数字の基準は、月が終わると自動で記録されます。")
        if line.evidence is not None:
            raise ObligationRefused("この回の証拠は、すでに記録されています。直すときは、先に取り下げてください。")
        if met_on > now.astimezone(JST).date():
            raise ObligationRefused("行った日は、今日までの日を入力してください。")
        if met_on < line.occasion.opens:
            raise ObligationRefused(f"この回は、{dates.show(line.occasion.opens)}からのものです。行った日か、選んだ回を確かめてください。")
        if line.duty.proof.kind == "file" and not file_hash:
            raise ObligationRefused("提出したファイルを選んでください。")
        return _enter(contract, line, Source.HAND, met_on, reference, by=by, now=now, note=note, file_hash=file_hash)


def withdraw(contract: Contract, evidence: int, *, reason: str, by: Actor, now: dt.datetime) -> None:
    """Take evidence back, with a reason. What is confirmed by the city stays. A breach that had ended by it is open again."""
    with _deed(contract):
        held = _standing(evidence)
        if held.confirmed_at is not None:
            raise ObligationRefused("市が確認した証拠は、取り下げられません。市に相談してください。")
        if held.source == Source.MEASURE:
            raise ObligationRefused("集計による記録は取り下げられません。もとの記録を直すと、数え直されます。")
        if not reason.strip():
            raise ObligationRefused("取り下げの理由を入力してください。")
        _withdraw(contract, held, reason, by=by, now=now)


def confirm(contract: Contract, evidence: int, *, by: Actor, now: dt.datetime) -> None:
    """The city has seen the evidence and accepts it. Once."""
    with _deed(contract):
        held = _standing(evidence)
        if held.confirmed_at is not None:
            raise ObligationRefused("すでに確認されています。")
        held.confirmed_at, held.confirmed_by = now, by.label[:80]
        held.save(update_fields=["confirmed_at", "confirmed_by"])
        audit.record(contract, "obligation.confirmed", _target(held.obligation, held.key), by=by, now=now)


def record_event(contract: Contract, code: str, *, on: dt.date, note: str, by: Actor, now: dt.datetime) -> Event:
    """Something happened, will change, or was asked for: the obligation falls due. Raises :class:`ObligationRefused` if it has a calendar."""
    with _deed(contract):
        duty = next((one for one in rules.duties(contract.profile) if one.code == code), None)
        if duty is None or rules.kind_of(duty) is not Kind.EVENT:
            raise ObligationRefused("この義務の期限は、できごとによって決まるものではありません。")
        event = Event.objects.create(contract=contract, obligation=code, on=on, note=note, recorded_at=now, recorded_by=by.label[:80])
        audit.record(contract, "obligation.event", _target(code, f"event-{event.pk}"), by=by, now=now, on=on.isoformat())
        return event


def event_of(contract: Contract, code: str, *, on: dt.date, note: str, ref: str, by: Actor, now: dt.datetime) -> None:
    """The event of a record, once: what :func:`record_event` does by hand."""
    with _deed(contract):
        values = {"on": on, "note": note[:200], "recorded_at": now, "recorded_by": by.label[:80] or BY_SYSTEM}
        event, made = Event.objects.get_or_create(contract=contract, obligation=code, ref=ref, defaults=values)
        if made:
            audit.record(contract, "obligation.event", _target(code, f"event-{event.pk}"), by=by, now=now, on=on.isoformat())


def meet_event(contract: Contract, code: str, *, ref: str, at: dt.datetime, by: Actor, now: dt.datetime) -> None:
    """A record met at a moment what falls due by it; nothing happens when that was met, or its event was withdrawn."""
    with _deed(contract):
        event = Event.objects.filter(obligation=code, ref=ref, withdrawn_at=None).first()
        line = _line(contract, code, f"event-{event.pk}", now) if event is not None else None
        if line is not None and line.evidence is None:
            _enter(contract, line, Source.FACT, at.astimezone(JST).date(), ref, by=by, now=now)


def withdraw_event(contract: Contract, event: int, *, reason: str, by: Actor, now: dt.datetime) -> None:
    """Take back an event that was recorded wrongly; refused while evidence stands on it. Its breach, if any, is closed."""
    with _deed(contract):
        found = Event.objects.filter(pk=event, withdrawn_at=None).first()
        if found is None:
            raise ObligationRefused("このできごとは、すでに取り下げられています。")
        if not reason.strip():
            raise ObligationRefused("取り下げの理由を入力してください。")
        key = f"event-{event}"
        if Evidence.objects.filter(obligation=found.obligation, key=key, withdrawn_at=None).exists():
            raise ObligationRefused("先に、この回の証拠を取り下げてください。")
        found.withdrawn_at, found.withdrawn_by, found.withdrawn_reason = now, by.label[:80], reason.strip()[:200]
        found.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
        _close(contract, found.obligation, key, by=by, now=now)
        audit.record(contract, "obligation.event_withdrawn", _target(found.obligation, key), by=by, now=now)


def explain(contract: Contract, breach: int, *, text: str, by: Actor, now: dt.datetime) -> None:
    """Say why an obligation was missed and what is done about it; may be written again until the breach is closed."""
    with _deed(contract):
        found = _open_breach(breach)
        if not text.strip():
            raise ObligationRefused("理由と、これからの対応を入力してください。")
        found.explanation, found.explained_at, found.explained_by = text.strip()[:400], now, by.label[:80]
        found.save(update_fields=["explanation", "explained_at", "explained_by"])
        audit.record(contract, "obligation.explained", _target(found.obligation, found.key), by=by, now=now)


def close_breach(contract: Contract, breach: int, *, by: Actor, now: dt.datetime) -> None:
    """The city regards a breach as settled. It needs an explanation first."""
    with _deed(contract):
        found = _open_breach(breach)
        if not found.explanation:
            raise ObligationRefused("理由と対応が書かれてから、済みにできます。")
        _close(contract, found.obligation, found.key, by=by, now=now)


def watch(contract: Contract, *, now: dt.datetime) -> dict[str, int]:
    """What happens without a person, in one deed: measure figures, find facts, record breaches, remind. How much of each.

    Begins the ledger of a contract today if nobody did. Doing it twice, or twice at once, is doing it once.
    """
    with _deed(contract):
        today = now.astimezone(JST).date()
        if not Ledger.objects.exists():
            open_ledger(contract, today, by=SYSTEM, now=now)
        measured = _measure_months(contract, today, now)
        proved = _prove_by_facts(contract, today, now)
        lines = book_of(contract, today).lines
        missed = _record_breaches(contract, lines, now)
        coming = _remind(contract, lines, today, now)
        if missed or coming:
            _mail(contract, missed, coming, today, now)
        return {"measured": measured, "proved": proved, "breached": len(missed), "reminded": len(coming)}


def _measure_months(contract: Contract, today: dt.date, now: dt.datetime) -> int:
    book, written = book_of(contract, today), 0
    for line in book.lines:
        duty, occasion = line.duty, line.occasion
        if duty.threshold is None or book.since is None or not book.since <= occasion.due < today:
            continue
        if line.evidence is not None and today - occasion.due > FRESH:
            continue
        found = measure(contract, duty.threshold, Period(occasion.opens, occasion.due))
        if line.evidence is not None:
            if (line.evidence.value, line.evidence.reached) == (found.value, found.reached):
                continue
            _withdraw(contract, line.evidence, "もとの記録が変わったので数え直し", by=SYSTEM, now=now)
        reference = found.text
        _enter(contract, line, Source.MEASURE, occasion.due, reference, by=SYSTEM, now=now, value=found.value, reached=found.reached)
        written += 1
    return written


def _prove_by_facts(contract: Contract, today: dt.date, now: dt.datetime) -> int:
    book, written = book_of(contract, today), 0
    for duty in (one for one in book.duties if one.proof.kind == "fact"):
        lines = {line.occasion.key: line for line in book.of(duty.code) if line.occasion.opens <= today}
        first = max([min((line.occasion.opens for line in lines.values()), default=today), contract.profile.term.service_from - FRESH])
        used = set(Evidence.objects.filter(obligation=duty.code, source=Source.FACT).values_list("reference", flat=True))
        done = [key for key, line in lines.items() if line.evidence is not None]
        days = [(at.astimezone(JST).date(), ref) for at, ref in _facts(duty, first) if ref not in used]
        for key, (day, ref) in rules.proved_by([line.occasion for line in lines.values()], days, done).items():
            _enter(contract, lines[key], Source.FACT, day, ref, by=SYSTEM, now=now)
            written += 1
    return written


def _facts(duty: Duty, first: dt.date) -> list[tuple[dt.datetime, str]]:
    begin = dt.datetime.combine(first, dt.time(), JST)
    found = Fact.objects.filter(kind=duty.proof.fact, at__gte=begin, quantity__gt=0)
    if duty.proof.outcome:
        found = found.filter(outcome=duty.proof.outcome)
    return list(found.order_by("at", "id").values_list("at", "ref"))


def _record_breaches(contract: Contract, lines: tuple[Line, ...], now: dt.datetime) -> list[Line]:
    missed = [line for line in lines if line.open_breach and line.breach is None]
    Breach.objects.bulk_create(
        [
            Breach(contract=contract, obligation=one.duty.code, key=one.occasion.key, due_on=one.occasion.due, recorded_at=now)
            for one in missed
        ]
    )
    targets = [audit.Line("obligation.breached", _target(one.duty.code, one.occasion.key), {"due": one.occasion.due.isoformat()}) for one in missed]
    if targets:
        audit.record_all(contract, targets, by=SYSTEM, now=now)
    return missed


def _remind(contract: Contract, lines: tuple[Line, ...], today: dt.date, now: dt.datetime) -> list[Line]:
    sent = set(Reminder.objects.values_list("obligation", "key", "days"))
    coming, rows = [], []
    for line in lines:
        if line.status not in (Status.DUE, Status.NOT_YET) or line.duty.threshold is not None or line.occasion.opens > today:
            continue
        days = rules.reminder_days(line.duty, line.occasion, today=today)
        if days is None or (line.duty.code, line.occasion.key, days) in sent:
            continue
        rows.append(Reminder(contract=contract, obligation=line.duty.code, key=line.occasion.key, days=days, sent_at=now))
        coming.append(line)
    Reminder.objects.bulk_create(rows)
    return coming


def _mail(contract: Contract, missed: list[Line], coming: list[Line], today: dt.date, now: dt.datetime) -> None:
    """One mail to each person, with the lines that are theirs; a breach is told to all who keep the ledger."""
    lists: dict[int, dict[str, Any]] = {}
    for name, lines, told in (("missed", missed, ("manager", "leader", "city")), ("coming", coming, None)):
        for line in lines:
            for who in told or (line.duty.who,):
                for user in people_of(contract, who):
                    mine = lists.setdefault(user.pk, {"user": user.pk, "missed": [], "coming": []})[name]
                    text = f"{line.duty.name}（{line.occasion.label}）　期限 {dates.show(line.occasion.due)}"
                    if text not in mine:
                        mine.append(text)
    for detail in lists.values():
        notices.queue(contract, ref=f"due:{today:%Y%m%d}", kind=StaffKind.DUTY_DUE, language="ja", now=now, detail=detail)


def _enter(
    contract: Contract, line: Line, source: Source, met_on: dt.date, reference: str, *, by: Actor, now: dt.datetime, **values: Any
) -> Evidence:
    code, key = line.duty.code, line.occasion.key
    held = Evidence.objects.create(
        contract=contract, obligation=code, key=key, source=source, met_on=met_on, reference=reference[:200], entered_at=now,
        entered_by=by.label[:80] or BY_SYSTEM, **values,
    )  # fmt: skip
    if held.reached is not False and met_on <= line.occasion.due:
        _close(contract, code, key, by=by, now=now)
    audit.record(contract, "obligation.met", _target(code, key), by=by, now=now, on=met_on.isoformat(), source=str(source))
    return held


def _withdraw(contract: Contract, held: Evidence, reason: str, *, by: Actor, now: dt.datetime) -> None:
    held.withdrawn_at, held.withdrawn_by, held.withdrawn_reason = now, by.label[:80] or BY_SYSTEM, reason.strip()[:200]
    held.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    Breach.objects.filter(obligation=held.obligation, key=held.key).update(closed_at=None, closed_by="")
    audit.record(contract, "obligation.withdrawn", _target(held.obligation, held.key), by=by, now=now)


def _close(contract: Contract, code: str, key: str, *, by: Actor, now: dt.datetime) -> None:
    who = by.label[:80] or BY_SYSTEM
    if Breach.objects.filter(obligation=code, key=key, closed_at=None).update(closed_at=now, closed_by=who):
        audit.record(contract, "obligation.closed", _target(code, key), by=by, now=now)


def _line(contract: Contract, code: str, key: str, now: dt.datetime) -> Line:
    lines = book_of(contract, now.astimezone(JST).date()).of(code)
    found = next((one for one in lines if one.occasion.key == key), None)
    if found is None:
        raise ObligationRefused("この義務の回は見つかりません。一覧から選び直してください。")
    return found


def _standing(evidence: int) -> Evidence:
    found = Evidence.objects.filter(pk=evidence, withdrawn_at=None).first()
    if found is None:
        raise ObligationRefused("この証拠は、すでに取り下げられています。")
    return found


def _open_breach(breach: int) -> Breach:
    found = Breach.objects.filter(pk=breach, closed_at=None).first()
    if found is None:
        raise ObligationRefused("この違反は、すでに済みになっています。")
    return found


def _target(code: str, key: str) -> str:
    return f"obligation:{code}/{key}"
