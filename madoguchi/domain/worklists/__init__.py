"""Work lists: entries of a city's file, each worked on once, with what became of it.

Words
    list        a kind of work agreed in the profile (``[[work_lists]]``), e.g. addresses of expiry notices to be brought up to date
    entry       one line of the city's files, under the city's own number; never the individual number, and nothing else of a person
    claim       an entry is with one member of staff for some minutes; what was not touched by then goes to whoever asks next
    result      how the work ended, one of the profile's; some ask the city to act
    deferred    put off to a day, with one of the profile's reasons; on that day it is back in the line

Invariants
    * a number is on a list once: the same file again adds nothing
    * a member of staff has one claimed entry per list, an entry one claimant (constraints, raced)
    * an entry ends once: a second press of the button, or a second window, changes nothing and counts nothing
    * every step is an append-only row; entries hold the last one
"""
