"""Audit: who did or saw what, when, through which channel. Append-only, hash-chained, verifiable.

Words
    entry   one line; its hash covers its content and the hash of the entry before it in its lane
    lane    an independent chain of one contract: lane 0 for ordinary deeds, 1… for the writers of the web rush, so that
            they need not wait for each other
    head    number and hash of the last entry of a lane, kept apart: cutting off the end of a chain is seen too

Invariants
    * entries are written only by the database function ``audit_append``; UPDATE and DELETE are refused by a trigger
    * details never hold personal data (names of changed fields, codes, times: yes)
    * ``madoguchi audit verify`` names the first broken link
"""
