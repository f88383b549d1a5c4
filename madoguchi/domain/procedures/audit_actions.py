"""Audit actions of procedures."""

from madoguchi.ground.audit.actions import Action, register

register(Action("procedure.text", "手続きの案内文を変更した"))
register(Action("bring.changed", "持ち物の表の行を変更した"))
register(Action("bring.added", "持ち物の表に行を追加した"))
register(Action("bring.ended", "持ち物の表の行を終わりにした"))
register(Action("bring.confirmed", "持ち物の表を確認済みにした"))
