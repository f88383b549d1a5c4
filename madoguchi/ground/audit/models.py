"""The chained entries and the heads of their lanes."""

from __future__ import annotations

from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel


class Entry(TenantModel):
    """One audit entry. ``target`` is ``kind:id`` (e.g. ``booking:K7M29QXT``); ``detail`` holds no personal data."""

    lane = models.SmallIntegerField()
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=12)
    channel = models.CharField(max_length=8)
    actor = models.CharField(max_length=40)
    action = models.CharField(max_length=48)
    target = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "lane", "seq"], name="audit_chain")]
        indexes = [
            models.Index(fields=["contract", "target"], name="audit_by_target"),
        ]


class Head(TenantModel):
    """The end of a lane."""

    lane = models.SmallIntegerField()
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "lane"], name="audit_one_head")]
