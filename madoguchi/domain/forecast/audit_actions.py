"""Audit actions of the forecast."""

from madoguchi.ground.audit.actions import Action, register

register(Action("forecast.cohorts_replaced", "有効期限の件数（月ごと）を入れ替えた"))
