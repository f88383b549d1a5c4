"""Reception: who came, which window group they wait for, who calls them, and when they were done.

Words
    window group  windows of a site that share one queue under one letter; agreed in the profile (``[reception]``)
    window        a numbered place where one member of staff serves one party at a time
    ticket        one visit of a party: site, day, letter, number; for one or several people and procedures
    period        one stay of a ticket: waiting, walking to a window, being served, on hold; written once and ended once
    summons       one call of a ticket to a window, as the display shows and speaks it
    rank          the moment as of which a ticket queues; a booked party near its time queues as if it had come earlier
    block         numbers of a letter handed to one device for a day, so that two devices can never print the same number
    terminal      a public screen: a ticket machine or a display, opened by a link that can be taken back
    need          what a visitor needs at the window (writing, sign language, …); of the ticket, never of a person

Invariants
    * a number is printed once: blocks of a letter and day never overlap (exclusion constraint), tickets are unique by number
    * a ticket has at most one open period, and a window at most one party that walks to it or is served (partial unique indexes)
    * the next ticket is claimed by ``for update skip locked`` in the order of ``rules.rank``: no two windows get the same one
    * the rank of a ticket never depends on who comes later, so that nobody who waits is overtaken without end
    * a ticket has an outcome exactly when it is closed; closing the day gives one to every ticket that is left
    * a deed sent twice with one key is done once
    * a ticket holds no personal data but a link to the booking, and a sealed address for one mail, erased with the day
"""
