"""Calls: what came in by telephone, what was said about it, and what is still owed to the caller.

Words
    call        one incoming call, or one call-back that an operator made; a projection of its events
    event       one thing that happened to a call, as the telephone system told it; written once, never changed
    fold        the pure function from the events of a call to the call (``fold.py``)
    definition  a named way to count: what is excluded, when a call-back counts as answered (``figures.py``)
    contact     the operator's record of one conversation: topic, question, answer, outcome; by telephone, relay service or fax
    call-back   a promise to call somebody, with an age and every try
    second line what an operator could not settle: an escalation with an owner and a due time at each step, to the supervisor, to the city

Invariants
    * the same event delivered twice changes nothing; the order of delivery does not matter
    * a call row says what ``fold`` says of its events; nothing else writes those columns
    * every call that began ends: a call that the telephone system forgot is closed as lost, and is counted as such
    * an answered call without a contact is on a list; so is every unanswered call
    * an open escalation has an owner or stands on the list of its line, and always a due time
    * numbers and words of callers are sealed and erased by the contract's rule; times, counts and outcomes stay
"""
