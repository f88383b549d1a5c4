"""Staffing of the telephone: how many calls come when, how many operators and channels they need, and what a staff can answer.

Words: the *estimate* spreads a month's calls over the open half hours of the month, by weights of half hours and weekdays. *Measured*
are calls offered in half hours of past weeks. The *forecast* blends both: the more weeks were measured, the less the estimate counts.
The *assumptions* of a contract (calls a month, handle time, patience, target, channels, weights) begin with what its profile says and
are changed by staff on a page. The mathematics of queues lies in ``ground.kit.queueing``.

Invariants: a month's estimates add up to the month's calls; a half hour outside of the telephone's hours has no calls; a forecast of a
day knows nothing measured on that day or later. Nothing here holds personal data. Other apps hand measured calls in as plain values.
"""
