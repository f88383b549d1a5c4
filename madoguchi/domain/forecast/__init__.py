"""Expected load: how many will come for what in the months ahead, with bands, against bookable places and people.

Words
    month       the first day of a calendar month
    expected    the mean number of visits of a month before anything has come: the cohorts of the city where they reach, else the plan of the profile
    cohort      cards or certificates that expire in a month, as the city counted them (its own CSV file, replaced as a whole)
    exposure    the part of a month's expected visits that fell on the days we have watched
    level       how much more or less comes than was expected; known better with each day watched
    band        the 10th, 50th and 90th percentile of what may come

Invariants
    * a page is the same whoever opens it in a month with the same figures: draws begin from contract, month and procedure
    * the forecast of a month gone by is made of what was known on its first day only
    * nothing here is stored but the cohorts
"""
