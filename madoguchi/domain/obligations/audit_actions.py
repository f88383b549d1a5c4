"""Audit actions of obligations."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("obligation.opened", "義務の台帳を始める日を決めた"),
    Action("obligation.met", "義務の履行の証拠を記録した"),
    Action("obligation.withdrawn", "義務の履行の証拠を取り下げた"),
    Action("obligation.confirmed", "義務の履行を市が確認した"),
    Action("obligation.event", "義務の期限が決まるできごとを記録した"),
    Action("obligation.event_withdrawn", "できごとの記録を取り下げた"),
    Action("obligation.breached", "義務の期限までに履行の証拠がなかった"),
    Action("obligation.explained", "義務の違反の理由と対応を書いた"),
    Action("obligation.closed", "義務の違反を済みにした"),
)
