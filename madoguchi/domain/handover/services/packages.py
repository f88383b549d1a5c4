"""Deeds on packages: order, make item by item, fetch, drop.

Each item is one transaction with its files, their pieces and the count of what is done: killed anywhere, the next run of the worker goes on with
the item that is not there. With the last item, in its transaction, the package is ready; before, it cannot be fetched.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator

from django.db import transaction
from django.db.models import F

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import jobs
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.privacy.sealing import keyring

from ..archive import zipped
from ..contents import items, making_of
from ..enums import Stage, Variant
from ..errors import HandoverRefused
from ..models import Erasure, Package, PackageFile, PackagePart

log = logging.getLogger(__name__)

JOB = "handover"
FAILED = "作成の途中で失敗しました。1分おきに、続きから作り直します。続くときはシステム管理者に知らせてください。"


@transaction.atomic
def order_package(contract: Contract, variant: Variant, *, user: User, by: Actor, now: dt.datetime) -> Package:
    """Order a package; the worker makes it. Raises :class:`HandoverRefused` while one of this kind is being made, or once data were erased."""
    with contract_scope(contract):
        if Erasure.objects.filter(stage__in=[Stage.TABLES, Stage.DONE]).exists():
            raise HandoverRefused("この契約の個人情報は消去を始めたため、パッケージは作れません。")
        if Package.objects.select_for_update().filter(variant=variant, ready_at=None, erased_at=None).exists():
            raise HandoverRefused("同じ内容のパッケージを作成しています。でき上がるまでお待ちください。")
        package = Package.objects.create(contract=contract, variant=variant, ordered_at=now, ordered_by=user, items=len(items()))
        audit.record(contract, "handover.ordered", f"package:{package.pk}", by=by, now=now, variant=str(variant))
        jobs.order(JOB, now=now)
        return package


def make_due(contract: Contract, *, now: dt.datetime) -> int:
    """Make what is missing of every ordered package; how many items. Call it outside of a transaction. A failure is noted and tried again."""
    with contract_scope(contract):
        waiting = list(Package.objects.filter(ready_at=None, erased_at=None).order_by("pk").values_list("pk", flat=True))
    made = 0
    for pk in waiting:
        try:
            while make_next(contract, pk, now=now):
                made += 1
        except Exception:
            log.exception("package %s of %s failed", pk, contract.code)
            with contract_scope(contract):
                Package.objects.filter(pk=pk).update(problem=FAILED, attempts=F("attempts") + 1)
    return made


@transaction.atomic
def make_next(contract: Contract, pk: int, *, now: dt.datetime) -> bool:
    """Make the first item that a package has not yet; False when nothing is left to do."""
    with contract_scope(contract):
        package = Package.objects.select_for_update().filter(pk=pk, ready_at=None, erased_at=None).first()
        if package is None:
            return False
        done = set(PackageFile.objects.filter(package=package).values_list("item", flat=True))
        wanted = items()
        left = [one for one in wanted if one.code not in done]
        left[0].write(making_of(contract, package, left[0], now))
        package.refresh_from_db()
        package.items, package.made, package.problem = len(wanted), len(wanted) - len(left) + 1, ""
        if len(left) == 1:
            package.ready_at = now
            package.erase_at = now + dt.timedelta(days=contract.profile.retention.delivery_days)
            audit.record(contract, "handover.made", f"package:{pk}", by=SYSTEM, now=now, variant=package.variant, sha256=package.digest)
        package.save()
        return True


def fetch(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> tuple[Package, Iterator[bytes]]:
    """The ZIP of a package for somebody who may have it; each time is written down. Raises :class:`HandoverRefused`."""
    with transaction.atomic(), contract_scope(contract):
        package = Package.objects.select_for_update().filter(pk=pk, ready_at__isnull=False, erased_at=None).first()
        if package is None:
            raise HandoverRefused("このパッケージのファイルは、ありません。作成中か、期限が過ぎて消去されています。")
        package.fetched_at, package.fetches = package.fetched_at or now, package.fetches + 1
        package.save(update_fields=["fetched_at", "fetches"])
        action = "handover.fetched_people" if package.variant == Variant.FULL else "handover.fetched"
        audit.record(contract, action, f"package:{pk}", by=by, now=now, sha256=package.digest)
        files = list(PackageFile.objects.filter(package=package).order_by("pk"))
    return package, zipped(contract, package, files, keyring(contract))


def drop_old(contract: Contract, now: dt.datetime) -> int:
    """Erase the files of packages whose time is over; how many packages. Their list with sizes and checksums stays. Inside ``contract_scope``."""
    due = list(Package.objects.select_for_update().filter(erased_at=None, erase_at__lte=now))
    for package in due:
        PackagePart.objects.filter(file__package=package).delete()
        package.erased_at = now
        package.save(update_fields=["erased_at"])
        audit.record(contract, "handover.dropped", f"package:{package.pk}", by=SYSTEM, now=now)
    return len(due)
