"""Procedures of a contract and the texts the city edits."""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Kind, Situation, Who
from .rules.bring import OLDEST, Row


class Procedure(TenantModel):
    """A procedure offered under the contract. ``minutes`` is the length of one person's visit."""

    code = models.SlugField(max_length=40)
    legal_name = models.CharField("正式名称", max_length=80)
    minutes = models.SmallIntegerField("所要時間（分）")
    bookable = models.BooleanField("Web予約できる", default=True)
    position = models.SmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code"], name="procedure_code"),
            models.CheckConstraint(condition=models.Q(minutes__gt=0), name="procedure_takes_time"),
        ]

    def __str__(self) -> str:
        return self.legal_name


class ProcedureText(TenantModel):
    """Name and explanation of a procedure in one language, edited by the city; ``confirmed`` once the city has checked it."""

    procedure = models.ForeignKey(Procedure, models.CASCADE, related_name="+")
    language = models.CharField(max_length=10)
    name = models.CharField("表示名", max_length=120)
    summary = models.CharField("説明", max_length=300, blank=True)
    confirmed = models.BooleanField("市の確認済み", default=False)
    edited_at = models.DateTimeField()
    edited_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "procedure", "language"], name="procedure_text")]


class BringRule(TenantModel):
    """One version of one row of a contract's table of what to bring; see ``rules.bring``.

    A change makes a new version from its first day on and ends the one before the day before, so that the answer for any day
    can be given and proved. Versions of one ``code`` never overlap. A row that nobody has edited or confirmed follows the shipped
    table.
    """

    code = models.SlugField("コード", max_length=60)
    kind = models.CharField("種類", max_length=10, choices=Kind.choices)
    procedure = models.CharField("手続き", max_length=40, blank=True)
    who = ArrayField(models.CharField(max_length=10, choices=Who.choices), verbose_name="来庁する人", blank=True, default=list)
    age_from = models.SmallIntegerField("年齢（から）", default=0)
    age_to = models.SmallIntegerField("年齢（まで）", default=OLDEST)
    when = ArrayField(
        models.CharField(max_length=20, choices=Situation.choices), verbose_name="あてはまるとき", blank=True, default=list
    )
    unless = ArrayField(
        models.CharField(max_length=20, choices=Situation.choices), verbose_name="除くとき", blank=True, default=list
    )
    becomes = models.CharField(max_length=10, choices=Who.choices, blank=True)
    position = models.IntegerField(default=0)
    texts = models.JSONField("文面", default=dict)
    source = models.CharField("根拠", max_length=200, blank=True)
    valid_from = models.DateField("この日から")
    valid_to = models.DateField("この日まで", null=True, blank=True)
    confirmed_at = models.DateTimeField("確認した日時", null=True, blank=True)
    confirmed_by = models.CharField("確認した人", max_length=80, blank=True)
    edited_at = models.DateTimeField()
    edited_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["position", "code", "valid_from"]
        constraints = [
            ExclusionConstraint(
                name="bring_rule_versions",
                expressions=[
                    (F("contract"), RangeOperators.EQUAL),
                    (F("code"), RangeOperators.EQUAL),
                    (
                        Func(F("valid_from"), F("valid_to"), Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="同じ行の版の期間が重なっています。",
            ),
            models.CheckConstraint(
                condition=Q(age_from__gte=0, age_to__gte=F("age_from"), age_to__lte=OLDEST),
                name="bring_rule_ages",
                violation_error_message="年齢は0から150までで、「から」を「まで」以下にしてください。",
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="bring_rule_days",
                violation_error_message="終わりの日を始まりの日より前にはできません。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.valid_from}"

    @property
    def confirmed(self) -> bool:
        """Whether the city has approved this version."""
        return self.confirmed_at is not None

    @property
    def row(self) -> Row:
        """The same as a plain value for ``rules.bring``."""
        return Row(
            code=self.code,
            kind=Kind(self.kind),
            procedure=self.procedure,
            who=frozenset(Who(one) for one in self.who),
            ages=(self.age_from, self.age_to),
            when=frozenset(Situation(one) for one in self.when),
            unless=frozenset(Situation(one) for one in self.unless),
            becomes=Who(self.becomes) if self.becomes else None,
            position=self.position,
            texts=tuple(sorted(self.texts.items())),
            source=self.source,
            confirmed=self.confirmed,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )

    def starts_after(self, day: dt.date) -> bool:
        """Whether this version is still to come on ``day``."""
        return self.valid_from > day
