"""States of invoices and kinds of spending."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    """Where an invoice stands."""

    DRAFT = "draft", "下書き"
    ISSUED = "issued", "発行済み"
    RECEIVED = "received", "市が受理"
    OVERDUE = "overdue", "支払期限超過"
    PAID = "paid", "入金済み"
    WITHDRAWN = "withdrawn", "取り下げ"


class Spending(models.TextChoices):
    """What money was spent on."""

    WAGES = "wages", "人件費"
    TRAINING = "training", "研修費"
    LINES = "lines", "通信・回線費"
    EQUIPMENT = "equipment", "機器・備品費"
    SUPPLIES = "supplies", "消耗品費"
    RENT = "rent", "賃借料"
    TRAVEL = "travel", "旅費・交通費"
    OUTSOURCED = "outsourced", "再委託費"
    OTHER = "other", "その他"
