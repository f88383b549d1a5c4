"""The survey of visitors: what they say of the counter, without anybody being known by it.

Words
    question    asked in a language of the reader: a score from 1 to 5, one choice, or free text (``[survey]`` of the profile)
    way         how somebody came to the questions: a poster's or ticket's QR code, a tablet at the exit, a mail after the visit
    answer      what one visitor scored and chose, with the day, the hour and the place; never free text
    comment     one free text, sealed, with its day; put into groups by words in it or by a person; emptied by retention
    used link   the mark that a link of a mail was used

Invariants
    * an answer holds no booking, no address, no moment finer than the hour, and a key made at random
    * a link of a mail is random and kept nowhere: its own signature says that it is ours, and its mark says only that it was used.
      No column joins the mark to an answer; each night the marks are written anew in the order of their digests
    * a link is used once, however often it is sent at the same moment (constraint, raced)
    * facts for the figures are written by the worker when the hour is over, so that their order tells no minute
    * means and shares of fewer than five answers are shown to nobody
"""
