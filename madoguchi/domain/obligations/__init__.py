"""Obligations: every duty of a contract that has a date or a threshold, whether it was met, and what shows it.

Words
    obligation  a duty of the profile: everything in ``[[reports]]`` and ``[[obligations]]``, with its due rule and its section
    occasion    one time that an obligation falls due: its key, the days it is about, the day it is due (``rules.py``)
    event       what makes an obligation fall due that has no calendar: a change, an incident, a request with its date
    evidence    what shows that an occasion was met: entered by hand, found as a fact of the worklog, or measured
    breach      an occasion that went by without evidence, or a figure that was not reached; recorded once, explained, closed by the city
    ledger      of one contract: from ``opened_on`` its occasions count; what was due before is not held against anybody

Invariants
    * the occasions of an obligation follow from the profile alone (and its events), so a due date never moves by itself
    * an occasion has at most one standing evidence; what was entered is never changed, only withdrawn with a reason, or confirmed
    * a breach and a reminder of an occasion exist once, however many workers run (raced)
    * a figure is measured again while its month is fresh; another value withdraws the evidence before it, and says so
"""
