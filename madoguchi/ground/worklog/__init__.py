"""Worklog: one fact for every piece of work done. Reports, KPIs, obligations and invoices read facts and nothing else.

A fact names contract, time, site, channel, procedure, kind of actor, kind of work, quantity, seconds waited and handled,
language, outcome and a reference to its record. It holds no personal data and survives the erasure of personal data.

A correction is another fact with a negative quantity, dated when it was made; it takes back what it says, its seconds too
(:func:`.services.take_back`). A fact that was told wrongly may be put right (:func:`.services.amend`, ``correct``, ``withdraw``).
Whatever changes the facts of a day leaves a mark on that day (:class:`.models.TouchedDay`), so that who counted it knows.
"""
