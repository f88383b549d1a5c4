"""The telephone exchange: a program of its own that answers every call of every contract.

It stands beside the three floors and knows none of them: no Django, no database, no rule of booking. What it must know it reads from
*flow files*; what happened it writes to a *spool*. So a dead database stops no audio, and a stall elsewhere is heard by nobody.

Words
    flow       what callers of one contract hear and when: numbers, days with hours, menu, queue, announcements (:mod:`.flow`)
    event      one thing that happened to a call, written once, never changed (:mod:`.events`)
    spool      the folder in which events wait until the courier has put them into the database (sealed: they hold telephone numbers)
    courier    the process with a database: carries events in, and flows out
    leg        one end of the audio: a caller on the trunk, an operator's browser, a SIP telephone
    operator   somebody who can be rung, known by an opaque name, through a browser or a SIP telephone
    pass       a short signed text by which the web site lets an operator's browser in (:mod:`.passes`)

Invariants
    * every call that reaches the exchange hears a voice and ends with the event ``ended``
    * an event is on the disk before the deed it tells of is shown to anybody but the two who talk
    * nothing is recorded, and no audio is kept
"""
