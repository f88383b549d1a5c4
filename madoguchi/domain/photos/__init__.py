"""Photos for applications: taken at the counter, handed at once to the place that the city designated, and kept nowhere.

Words
    photo       the record of one picture: what it belongs to, its name at the place, when it was taken, delivered, deleted; never the picture
    ref         what it belongs to, e.g. ``case:5``; names nobody
    place       where pictures go: a folder of the city, or a store that speaks S3 (``[photo]`` of the profile)
    waiting     the place does not answer: the picture is kept sealed for some minutes, tried again, and then erased

Invariants
    * a picture is in the database only sealed, only while its photo is waiting, and never beyond ``keep_until`` (constraint, eraser)
    * what is handed over holds the picture and nothing else: no metadata, no comment, nothing behind the end
    * a photo is delivered under one name that no other photo has; sending it again changes nothing
    * the deletion from server and from device is written down, each with its time
"""
