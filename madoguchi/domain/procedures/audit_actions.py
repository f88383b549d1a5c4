"""Audit actions of procedures."""

from madoguchi.ground.audit.actions import Action, register

register(Action("procedure.text", "手続きの案内文を変更した"))
