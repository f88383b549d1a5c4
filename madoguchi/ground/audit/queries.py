"""Reading the log: proof of the chain, search, what one booking's record went through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

from .actions import all_actions, require_registered
from .models import Entry, Head


@dataclass(frozen=True)
class BrokenLink:
    """The first wrong row of one lane. ``what`` says in a sentence what does not fit."""

    contract: str
    lane: int
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.contract} lane {self.lane} seq {self.seq}: {self.what}"


Entries = QuerySet[Entry]

_VERIFY = """
with chain as (
  select e.lane, e.seq, e.hash,
         lag(e.seq) over w as before_seq,
         coalesce(lag(e.hash) over w, '\\x'::bytea) as before_hash,
         audit_content(e.contract_id, e.lane, e.seq, e.at, e.actor_kind, e.channel, e.actor, e.action, e.target,
                       e.detail) as content
  from audit_entry e
  where e.contract_id = %(contract)s
  window w as (partition by e.lane order by e.seq)
), wrong as (
  select lane, coalesce(before_seq, 0) + 1 as seq, 1 as kind from chain where seq <> coalesce(before_seq, 0) + 1
  union all
  select lane, seq, 2 from chain
  where seq = coalesce(before_seq, 0) + 1 and hash is distinct from sha256(before_hash || content)
  union all
  select coalesce(h.lane, l.lane), coalesce(l.seq, 0) + case when h.seq > coalesce(l.seq, 0) then 1 else 0 end,
         case when h.lane is null then 3 when coalesce(l.seq, 0) < h.seq then 4 when l.seq > h.seq then 5 else 6 end
  from (select lane, seq, hash from audit_head where contract_id = %(contract)s) h
  full join (select distinct on (lane) lane, seq, hash from audit_entry where contract_id = %(contract)s
             order by lane, seq desc) l on l.lane = h.lane
  where h.lane is null or h.seq <> coalesce(l.seq, 0) or h.hash is distinct from coalesce(l.hash, '\\x'::bytea)
)
select distinct on (lane) lane, seq, kind from wrong order by lane, seq, kind
"""

_WHAT = {
    1: "the entry is missing: the numbers have a gap",
    2: "the entry does not fit its hash: it, or the hash of the entry before it, was changed",
    3: "the lane has entries but no head",
    4: "entries are missing at the end: the head counts further",
    5: "the head counts less than there are entries",
    6: "the head's hash is not the hash of the last entry",
}


def verify(contract: Contract) -> list[BrokenLink]:
    """The first broken link of every lane of a contract; an empty list when all chains hold.

    The whole check runs inside PostgreSQL: every entry's content is hashed again with ``audit_content`` onto the hash of
    the entry before it, numbers must be 1, 2, 3 … without gap, and the head must name the last entry.
    """
    with contract_scope(contract), connection.cursor() as cursor:
        cursor.execute(_VERIFY, {"contract": contract.pk})
        rows = cursor.fetchall()
    return [BrokenLink(contract.code, lane, seq, _WHAT[kind]) for lane, seq, kind in rows]


def count(contract: Contract) -> int:
    """Number of entries of a contract, for the report of a check."""
    with contract_scope(contract):
        return int(Entry.objects.filter(contract=contract).count())


def heads(contract: Contract) -> list[dict[str, object]]:
    """Lane, number of entries and hash (hexadecimal) of the end of every chain of a contract: kept elsewhere, they prove that nothing was cut off."""
    with contract_scope(contract):
        rows = Head.objects.filter(contract=contract).order_by("lane").values_list("lane", "seq", "hash")
        return [{"lane": lane, "entries": seq, "sha256": bytes(value).hex()} for lane, seq, value in rows]


def search(
    *,
    first: dt.datetime | None = None,
    last: dt.datetime | None = None,
    actor: str = "",
    action: str = "",
    target: str = "",
    only_reads: bool = False,
) -> Entries:
    """Entries of the contract in scope, newest first. ``last`` is exclusive; ``target`` is a ``kind:id`` or a kind."""
    found = Entry.objects.all()
    if first:
        found = found.filter(at__gte=first)
    if last:
        found = found.filter(at__lt=last)
    if actor:
        found = found.filter(Q(actor=actor) | Q(actor_kind=actor))
    if action:
        found = found.filter(action=action)
    if target:
        found = found.filter(target=target) if ":" in target else found.filter(target__startswith=f"{target}:")
    if only_reads:
        found = found.filter(action__in=[a.name for a in all_actions() if a.reads_personal_data])
    return found.order_by("-at", "-lane", "-seq")


def nothing() -> Entries:
    """No entries, where a search cannot be made."""
    return Entry.objects.none()


def label_of(action: str) -> str:
    """The sentence of an action for people; its bare name when no app knows it any more."""
    try:
        return require_registered(action).label
    except KeyError:
        return action


def stream(entries: Entries, *, limit: int) -> Iterator[Entry]:
    """At most ``limit`` entries one after another, without holding them all in memory."""
    yield from entries[:limit].iterator(chunk_size=2000)


def happened(action: str, target: str, first: dt.datetime, last: dt.datetime) -> bool:
    """Whether a deed was done to a target in a span of time (inside ``contract_scope``). Raises ``KeyError`` for an unknown action."""
    require_registered(action)
    return Entry.objects.filter(action=action, target=target, at__range=(first, last)).exists()
