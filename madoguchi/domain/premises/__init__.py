"""The rooms of the counter: lists before opening and after closing, papers kept until they are destroyed, days at other places.

Words
    checklist       things to look at on every open day of a site, or once a week (``[[checklists]]`` of the profile)
    run             a checklist of a site and a day (a week: its Monday), with the items as they were when somebody began
    mark            one item of a run, done or not possible with the reason; who and when
    bundle          papers in a box or a bag, of a kind, with a volume, at a place where they are kept
    collection      a day named by the city or the contractor on which bundles are destroyed; a second person confirms it
    outing          a day at another place: hours, equipment, what was done there, paper handed over to the city

Invariants
    * an item of a run is marked once, whoever taps at the same moment (constraint, raced)
    * a run is closed by its last required item and counts as one fact; taking a mark back opens it again
    * a bundle belongs to one collection at most; a collected day is confirmed by somebody else than who collected it (constraint)
    * nothing here names a resident
"""
