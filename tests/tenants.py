"""One row of every tenant table for a contract, made by looking at the fields, so that a new table can never be forgotten."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope, tenant_models

CLOSER: dict[str, dict[str, Any]] = {
    "booking.weekpattern": {"weekday": 1},
    "booking.booking": {"state": "booked"},
    "booking.slot": {"kept": None, "used": None, "opens": None},
    "booking.standingorder": {"weekdays": [1]},
    "cards.card": {"number": "T-1", "state": "registered", "spot": "slot", "cabinet": "a", "ended_at": None},
    "cards.setup": {"checked_by": None},
    "cards.disposal": {"decided_at": None, "decided_by": None, "approved": None},
    "billing.invoice": {
        "state": "draft", "number": None, "issued_on": None, "content": None, "sha256": "", "received_on": None, "due_on": None, "paid_on": None,
        "withdrawn_at": None, "withdrawn_because": "", "net": 10, "tax": 1, "total": 11, "part": 1,
    },
    "billing.expenditure": {"amount": 11, "tax": 1, "reverses": None},
    "incidents.incident": {"kind": "fault", "state": "reported", "call_at": None, "written_at": None, "written_by": None, "closed_at": None, "closed_by": None},
    "incidents.prevention": {"checked_at": None, "checked_by": None, "effect": ""},
    "notices.message": {"state": "queued"},
    "worklists.entry": {"state": "waiting", "owner": None, "claim_ends_at": None, "again_on": None, "result": "", "ended_at": None},
    "premises.mark": {"result": "done", "why": ""},
    "premises.collection": {"stage": "planned", "collected_at": None, "collected_by": None, "confirmed_at": None, "confirmed_by": None},
    "premises.bundle": {"withdrawn_at": None},
    "premises.outing": {"stage": "planned", "equipment": [], "results": {}},
    "photos.photo": {"state": "dropped", "sealed": None, "taken_at": None, "delivered_at": None},
    "reception.ticket": {"state": ""},
    "reports.report": {"state": "draft", "content": None, "digest": "", "signed_at": None},
    "papers.paper": {"state": "draft", "content": None, "digest": "", "submitted_at": None},
    "reports.correctionrequest": {"state": "open", "answered_at": None},
    "reception.numberblock": {"used": 1},
    "handover.erasure": {"confirmed_by": None},
    "handover.package": {"items": 1, "made": 1},
    "survey.answer": {"hour": 9},
    "staffing.savedassumptions": {"half_hours": [1] * 48, "weekdays": [1] * 7},
}
"""Values that a table's constraints ask for and a field's type does not tell. A new table seldom needs a line here."""

_number = count(1)
_ids = count(700_001)


def fill(contract: Contract, *, mark: str, now: dt.datetime) -> dict[type[models.Model], models.Model]:
    """Make one row per tenant table, all with the same id and slug: an address with them means a row of whatever table it asks for.

    Every free text holds ``mark``. Returns model → row.
    """
    rows: dict[type[models.Model], models.Model] = {}
    same = next(_ids)
    waiting = list(tenant_models())
    with contract_scope(contract):
        while waiting:
            ready = [m for m in waiting if all(t in rows or t is m for t in _needs(m))]
            assert ready, f"tenant tables need each other in a circle: {waiting}"
            for model in ready:
                rows[model] = _make(model, contract, rows, mark, now, same)
                waiting.remove(model)
    return rows


def _needs(model: type[models.Model]) -> list[type[models.Model]]:
    tenants = set(tenant_models())
    return [f.related_model for f in model._meta.concrete_fields if f.is_relation and f.related_model in tenants]


def _make(
    model: type[models.Model],
    contract: Contract,
    rows: dict[type[models.Model], models.Model],
    mark: str,
    now: dt.datetime,
    same: int,
) -> models.Model:
    moment = now
    values: dict[str, Any] = {"pk": same}
    for field in model._meta.concrete_fields:
        if field.primary_key:
            continue
        if isinstance(field, models.DateTimeField):
            moment += dt.timedelta(minutes=30)
        values[field.name] = _value(field, contract, rows, mark, moment)
    values.update(CLOSER.get(model._meta.label_lower, {}))
    row = model(**values)
    model._base_manager.bulk_create([row])  # type: ignore[attr-defined]
    return row


def _value(field: Any, contract: Contract, rows: dict[Any, Any], mark: str, moment: dt.datetime) -> Any:
    if field.is_relation:
        if field.related_model is Contract:
            return contract
        if field.related_model in rows:
            return rows[field.related_model]
        if issubclass(field.related_model, User):
            return User.objects.order_by("pk").first()
        assert field.null, f"{field} points to a table that this factory cannot fill"
        return None
    if field.choices:
        return field.choices[-1][0]
    n = next(_number)
    kinds: list[tuple[type[Any], Any]] = [
        (models.BooleanField, False),
        (models.DateTimeField, moment),
        (models.DateField, moment.date()),
        (models.JSONField, [mark]),
        (ArrayField, [n]),
        (models.BinaryField, f"{mark}{n}".encode()[: getattr(field, "max_length", None) or 99]),
        (models.SlugField, f"{mark}-same".lower()),
        (models.CharField, f"{mark}{n}"[-(field.max_length or 99) :]),
        (models.TextField, f"{mark}{n}"),
        (models.SmallIntegerField, 30),
        (models.IntegerField, 30),
        (models.BigIntegerField, n),
        (models.FloatField, 0.5),
        (models.DecimalField, 1),
    ]
    if isinstance(field, models.TimeField):
        return dt.time(9 if field.name in ("starts", "opens") else 17)
    for kind, value in kinds:
        if isinstance(field, kind):
            return value
    raise AssertionError(f"the factory does not know the type of {field}")
