"""Audit actions of calls."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("call.viewed", "通話の記録を見た", reads_personal_data=True),
    Action("call.listed", "通話の一覧を見た", reads_personal_data=True),
    Action("call.popped", "着信した方の記録を見た", reads_personal_data=True),
    Action("call.closed_lost", "終わりが届かなかった通話を閉じた"),
    Action("contact.recorded", "応対を記録した"),
    Action("contact.changed", "応対の記録を直した"),
    Action("contact.exported", "応対の記録をCSVに出した", reads_personal_data=True),
    Action("contact.viewed", "応対の記録を見た", reads_personal_data=True),
    Action("contact.searched", "応対の記録を電話番号で探した", reads_personal_data=True),
    Action("callback.asked", "折り返しを受け付けた"),
    Action("callback.taken", "折り返しを担当した"),
    Action("callback.tried", "折り返しの電話をした"),
    Action("callback.ended", "折り返しを終えた"),
    Action("callback.listed", "折り返しの一覧を見た", reads_personal_data=True),
    Action("callback.viewed", "折り返しの内容を見た", reads_personal_data=True),
    Action("escalation.opened", "二次対応へ引き継いだ"),
    Action("escalation.step", "二次対応を進めた"),
    Action("escalation.closed", "二次対応を完了した"),
    Action("escalation.listed", "二次対応の一覧を見た", reads_personal_data=True),
    Action("escalation.viewed", "二次対応の内容を見た", reads_personal_data=True),
    Action("extension.named", "ほかの電話システムの内線と担当者を結び付けた"),
    Action("extension.dropped", "ほかの電話システムの内線と担当者の結び付きを解いた"),
)
