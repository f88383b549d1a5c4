"""Reports: what a city is told about the work, as figures over the facts of ``ground/worklog``.

Words
    measure     one figure with its definition: which facts count, what of them is added up, by what it may be split (``measures.py``)
    dimension   what a figure is split by: day, month, weekday, hour, site, channel, procedure, language, outcome, actor, kind
    count       the facts of one day added up by what they have in common, so that a month is read without reading its facts
    span        how many of these waited, or were handled, up to so many seconds; shares within a time and percentiles come from it
    touched     facts of the day changed since it was counted (``worklog.TouchedDay``)
    report      one version of a daily or monthly paper made of figures; a draft is read live, the signature freezes it (``contents.py``)
    form        a workbook with placeholders that is filled from a report (``sheets.py``)

Invariants
    * a measure is defined once, in ``measures.py``; pages, files and papers ask :func:`.queries.figures` and count nothing themselves
    * a day that is not touched has counts that equal the sums of its facts; a touched one is read from its facts.
      So every figure is the true one at the moment of the read, whether or not the worker has counted (raced)
    * a fact with a negative quantity takes back one record, its quantity and its seconds, on the day when it was taken back
    * days, hours and months are those of Japan
    * every figure leads to the facts behind it, and adding these up gives the figure again (:func:`.queries.behind`)
    * what was signed is not written again; what the facts say otherwise later is told figure by figure and becomes a new version
    * of a period one version at most is open (draft, signed, submitted)
    * a file says what its report says: it can ask for nothing else
"""
