"""Synthetic handover of the demo: one contract whose packages are made, and fetched by the city, by the same deeds as real ones."""

from __future__ import annotations

import datetime as dt

from madoguchi.domain.handover.enums import Variant
from madoguchi.domain.handover.models import Package, PackageFile
from madoguchi.domain.handover.services.packages import fetch, make_due, order_package
from madoguchi.ground.accounts.models import Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel

HOUR = dt.timedelta(hours=1)


def fill(contract: Contract, now: dt.datetime) -> str:
    """Both packages of a contract; what was made, in words."""
    user = Assignment.objects.select_related("user").filter(contract=contract, role=Role.CITY).latest("pk").user
    city = Actor(ActorKind.CITY, Channel.COUNTER, f"user:{user.pk}", str(user))
    for variant in (Variant.FIGURES, Variant.FULL):
        order_package(contract, variant, user=user, by=city, now=now - HOUR)
    make_due(contract, now=now - HOUR)
    with contract_scope(contract):
        figures = Package.objects.get(variant=Variant.FIGURES)
        files = PackageFile.objects.count()
    fetch(contract, figures.pk, by=city, now=now)
    return f"引継ぎパッケージ 2 件（{files} ファイル）"
