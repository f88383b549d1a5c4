"""Audit actions of notices."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("notice.template_edited", "メールの文面を変更した"),
    Action("notice.template_restored", "メールの文面を元に戻した"),
    Action("notice.resent", "メールを送り直した"),
    Action("notice.bounced", "メールの不達を記録した"),
    Action("stop.planned", "サイトの停止を予定した"),
    Action("stop.changed", "サイトの停止の予定を変更した"),
    Action("stop.withdrawn", "サイトの停止の予定を取り下げた"),
)
