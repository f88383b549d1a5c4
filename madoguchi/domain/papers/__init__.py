"""Papers: what people write on a draft made of data and hand in to the city: plans, structure charts, notices of completion.

Words
    paper   one version of a report of the profile that has ``passages`` and no ``period``, for one occasion of its obligation
    part    a passage of it: a text, and where its draft has one a table of the contract's data
    holder  who has to do something about it now: the contractor until it is handed in, then the city until it decides

Invariants
    * a draft reads its tables at each look; handing it in freezes one JSON document with its SHA-256, and nothing of that is written again
    * handing in enters the evidence of the occasion, approval confirms it, a return withdraws it: the ledger of obligations follows by itself
    * of an occasion at most one version is open; a return begins the next one, with the texts of the one before
"""
