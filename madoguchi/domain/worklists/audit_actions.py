"""Audit actions of work lists."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("worklist.imported", "作業リストを取り込んだ"),
    Action("worklist.exported", "作業リストの結果を出力した"),
    Action("worklist.ended", "作業リストの1件を終えた"),
    Action("worklist.deferred", "作業リストの1件を後日にした"),
    Action("worklist.reopened", "作業リストの1件をやり直しにした"),
)
