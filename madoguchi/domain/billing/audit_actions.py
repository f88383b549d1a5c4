"""Audit actions of billing."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("billing.prepared", "請求書の下書きを作った"),
    Action("billing.not_prepared", "報告書が合格したが、請求書の下書きを作れなかった"),
    Action("billing.issued", "請求書を発行した"),
    Action("billing.received", "請求書の受理日を記録した"),
    Action("billing.paid", "請求書の入金を記録した"),
    Action("billing.overdue", "請求書の支払期限が過ぎた"),
    Action("billing.withdrawn", "請求書を取り下げた"),
    Action("ledger.entered", "経費の帳簿に記入した"),
    Action("ledger.reversed", "経費の帳簿の行を取り消した"),
    Action("ledger.exported", "経費の帳簿を出力した"),
)
