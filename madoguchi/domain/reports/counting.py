"""How facts are added up, in SQL: the one text that the worker counts days with and that reads days which are not counted."""

from __future__ import annotations

from dataclasses import dataclass

from .models import GROUP, WHOLE_DAY
from .rules import EDGES, Column

COLUMNS = ", ".join(GROUP)
SUMS = ", ".join(Column)
_EDGES = f"array[{', '.join(map(str, EDGES))}]"
_SUMMED = {
    Column.RECORDS: "sum(one)",
    Column.QUANTITY: "sum(quantity)",
    Column.WAIT: "coalesce(sum(one * wait_seconds), 0)",
    Column.WAITED: "coalesce(sum(one) filter (where wait_seconds is not null), 0)",
    Column.HANDLE: "coalesce(sum(one * handle_seconds), 0)",
    Column.HANDLED: "coalesce(sum(one) filter (where handle_seconds is not null), 0)",
}


def facts(days: str, condition: str = "true") -> str:
    """The facts of some days (a relation with a column ``day``) as they are added up, for a ``with`` clause.

    ``offset 0`` keeps the planner to one look into the index per day; as a plain join it takes a day for a ninth of all facts and reads them all.
    """
    return f"""
        select d.day, f.* from {days} d cross join lateral (
          select extract(hour from at at time zone 'Asia/Tokyo')::smallint as hour, kind, site, channel, procedure, outcome, actor_kind, language,
                 sign(quantity)::int as one, quantity, wait_seconds::bigint, handle_seconds::bigint
          from worklog_fact where contract_id = %(contract)s and {condition}
            and at >= d.day::timestamp at time zone 'Asia/Tokyo' and at < (d.day + 1)::timestamp at time zone 'Asia/Tokyo'
          offset 0
        ) f"""


@dataclass(frozen=True)
class Grain:
    """A way to group the facts of a day; ``without`` are columns that it leaves out, ``condition`` finds its rows."""

    condition: str
    without: tuple[tuple[str, str], ...]

    @property
    def _shown(self) -> str:
        left_out = dict(self.without)
        return ", ".join(f"{left_out[one]} as {one}" if one in left_out else one for one in GROUP)

    @property
    def _grouped(self) -> str:
        return ", ".join(one for one in GROUP if one not in dict(self.without))

    def counts(self, source: str) -> str:
        """Rows of ``DayCount`` made from :func:`facts`."""
        sums = ", ".join(f"{how} as {column}" for column, how in _SUMMED.items())
        return f"select {self._shown}, {sums} from {source} group by {self._grouped}"

    def spans(self, source: str) -> str:
        """Rows of ``DaySpan`` made from :func:`facts`."""
        edge = f"({_EDGES})[least(width_bucket(seconds - 1, {_EDGES}) + 1, {len(EDGES)})]"
        return (
            f"select {self._shown}, v.of, {edge} as upto, sum(one) as records"
            f" from {source} cross join lateral (values ('wait', wait_seconds::int), ('handle', handle_seconds::int)) v(of, seconds)"
            f" where seconds is not null group by {self._grouped}, v.of, upto"
        )


DAYS = Grain(f"hour = {WHOLE_DAY}", (("hour", str(WHOLE_DAY)),))
HOURS = Grain(f"hour > {WHOLE_DAY}", (("actor_kind", "''"), ("language", "''")))
