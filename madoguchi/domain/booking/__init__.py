"""Booking: reservations of visits, and the slots they take.

Words
    pool        the people or windows of a site that serve a set of procedures together; capacity belongs to a pool
    band        the grid of a pool, e.g. 30 minutes; a procedure of 45 minutes takes two bands
    slot        one band of one day of one pool: ``planned`` places, ``taken`` places
    booking     one reservation of a party (1–n people) under one code
    attendee    one person of the party, with a procedure, and the time of that person's visit
    claim       one place in one slot, taken by one attendee
    hold        a booking not yet confirmed; it claims like any other and expires
    contingent  places of a slot kept for one channel until their release
    rest        places given back that stay taken for a while, so that the waiting list is asked first
    affected    a booking whose slot was closed or cut; it is on a work list until somebody settled it; never cancelled by the machine

Invariants
    * ``taken`` of a slot equals the number of its claims and resting places; they change in one transaction (``capacity.verify`` proves it nightly)
    * ``taken <= capacity``, by a constraint; capacity is ``max(planned, taken)``, so a cut below what is taken shows as excess and heals as
      people cancel, and over-booking is possible only as an explicit right
    * every taker of capacity goes through the database function ``booking_take``: it locks slots in id order and grants all or none
    * locks are taken in the order pools (editors of plans only) → bookings → slots → audit lane, so that nothing can deadlock
    * a person's data is sealed; only codes, times and counts are in the clear
"""
