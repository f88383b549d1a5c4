"""The end of a contract: everything is handed over in open formats, and the residents' data are erased with a certificate.

Words
    package      all files of a handover; ``full`` with residents' data for the city, ``figures`` without
    item         one thing of a package, made in one transaction: a table as CSV and JSON, the statistics, the reports …
    column kind  what a column that can hold text is: plain, a member of staff, personal, the city's number of a matter, an index, a secret
    erasure      asked for by the contractor's manager, confirmed by the city, waiting, then done table by table by the worker
    place        where personal data lie outside of the contract's tables: sessions, the spool of the exchange, the demo's mailbox

Invariants
    * every tenant table is in the package or listed with the reason why not; every column that can hold text has a kind (``tables.py``)
    * a package is offered when its last file is made, never before; its parts are sealed with the contract's key
    * erasure asks two people of two sides, and never begins before the contract's last day is over and the waiting time has passed
    * an interrupted erasure goes on where it stopped; run again it changes nothing
    * figures, facts, reports, invoices, obligations and the audit chain stay as they were
"""
