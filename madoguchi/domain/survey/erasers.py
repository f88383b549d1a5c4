"""What goes when its time is over, and what is mixed so that it tells nothing."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from .models import Comment, UsedLink


def erase_comments(contract: Contract, now: dt.datetime) -> int:
    """Free text older than the contract keeps residents' data; its groups stay. How many."""
    limit = now.astimezone(JST).date() - dt.timedelta(days=contract.profile.retention.resident_days_after_visit)
    return Comment.objects.filter(day__lt=limit, words__isnull=False).update(words=None)


def mix_links(contract: Contract, now: dt.datetime) -> int:
    """Marks of links that have ended; how many. The others are written anew in the order of their digests.

    So neither the order of the rows nor the transaction that wrote one is that of an answer any more.
    """
    gone, _ = UsedLink.objects.filter(until__lt=now.astimezone(JST).date()).delete()
    kept = list(UsedLink.objects.order_by("digest").values_list("digest", "until"))
    UsedLink.objects.all().delete()
    UsedLink.objects.bulk_create([UsedLink(contract=contract, digest=digest, until=until) for digest, until in kept])
    return gone
