"""Audit actions of staffing."""

from madoguchi.ground.audit.actions import Action, register

register(Action("staffing.assumptions", "電話の人数の見積もりの前提を変更した"))
