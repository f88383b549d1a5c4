"""Audit actions of the survey. An answer is no entry: its moment would stand there."""

from madoguchi.ground.audit.actions import Action, register

register(
    Action("survey.comments_read", "アンケートの自由記述を見た"),
    Action("survey.grouped", "アンケートの自由記述の分類を付けた"),
)
