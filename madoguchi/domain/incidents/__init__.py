"""Incidents: accidents, faults, leaks of personal data, mistakes, complaints and disasters, from the report to the accepted end.

Words
    incident      something that went wrong and has to be told to the city; its number is that of its row
    call          telling people of an incident nobody has acknowledged: at once, then by the profile's minutes, then again and again
    acknowledged  somebody of the roles that the profile names said with a click that they know; that ends the calls
    line          one entry of the timeline: who did or wrote what, when; never changed, and its words erased with the incident's
    prevention    something done so that it does not happen again, with who and until when, and a look at its effect later
    legal step    what the law or the contract asks for after a leak, with the day it is due, done or not needed

Invariants
    * the mails of the first call commit with the report; a call happens once, however many workers run (raced)
    * who is called when follows from the profile, the report and the time alone; after the acknowledgement nobody is called
    * in writing and closed, nothing of the report changes; only the city accepts the end, and only when nothing of it is missing
    * what people wrote is sealed, and erased by the profile's retention after the end; kinds, times and names of staff stay
"""
