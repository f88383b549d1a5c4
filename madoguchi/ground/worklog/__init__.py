"""Worklog: one fact for every piece of work done. Reports, KPIs, obligations and invoices read facts and nothing else.

A fact names contract, time, site, channel, procedure, kind of actor, kind of work, quantity, seconds waited and handled,
language, outcome and a reference to its record. It holds no personal data and survives the erasure of personal data.
Facts are never changed; a correction is another fact with a negative quantity.
"""
