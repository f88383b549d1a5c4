"""Files of the stock: rows for the house's CSV kit, and the record that somebody took one."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import Cell

from ..models import Seen, Stocktake
from ..queries import stock
from ..queries.taking import differences_of
from ..rules import show_place

AGEING_COLUMNS = ("管理番号", "状態", "置き場所", "到着日", "到着からの日数", "交付通知日", "通知からの日数", "再通知日", "次にすること", "その期限")
TAKING_COLUMNS = ("管理番号", "結果", "記録の場所", "読み取った箱", "読み取った日時", "解決", "解決した人")


def ageing_rows(contract: Contract, today: dt.date, *, due: str = "") -> list[list[Cell]]:
    """Rows under ``AGEING_COLUMNS``, in the order of the list on the screen."""
    return [
        [
            row.card.number, row.card.stage, row.card.place.label, row.card.arrived_on, row.days, row.card.notified_on, row.notice_days,
            row.card.renotified_on, row.due_label, row.due_on,
        ]
        for row in stock.ageing(contract, today, due=due)
    ]  # fmt: skip


def taking_rows(taking: Stocktake) -> list[list[Cell]]:
    """Rows under ``TAKING_COLUMNS``: what differs first, then everything that was found where it belongs."""
    differ = {row.number: row for row in differences_of(taking)}
    seen = {row.number: row for row in Seen.objects.filter(stocktake=taking).order_by("box", "number")}
    rows: list[list[Cell]] = []
    for number, one in differ.items():
        sight = seen.get(number)
        rows.append([
            number, one.get_kind_display(), show_place(one.recorded), one.box, sight.at.astimezone(JST) if sight else None,
            one.get_resolution_display(), str(one.resolved_by or ""),
        ])  # fmt: skip
    rows += [[n, "一致", show_place(s.recorded), s.box, s.at.astimezone(JST), "", ""] for n, s in seen.items() if n not in differ]
    return rows


def record_export(contract: Contract, *, what: str, rows: int, by: Actor, now: dt.datetime) -> None:
    """Somebody took a list out as a file."""
    with contract_scope(contract):
        audit.record(contract, "stock.exported", f"contract:{contract.code}", by=by, now=now, what=what, rows=rows)
