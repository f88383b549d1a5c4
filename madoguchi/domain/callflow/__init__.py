"""What callers hear: announcements of a contract, when which of them is played, and the flow file of the telephone exchange.

Words
    prompt     what is said at one moment of a call, in one language (:data:`madoguchi.voice.flow.PromptName`); every saving is a new row
    recording  a person's voice in the place of the spoken text
    speech     a text read by a machine, made when the text is saved and never during a call (:mod:`.speech`)
    reading    how a word is to be pronounced, such as the name of a place
    release    to publish: prompts saved so far count, each from its ``starts_on``
    version    what a publishing says and where it leads; the days come from the business calendar each time the file is written
    delivery   putting the flow and its audio where the exchange reads them (``settings.VOICE_DIR``)

Invariants
    * spoken hours are made from the calendar's data (:mod:`.spoken`), never typed
    * a published version never changes, and can be delivered again from the database alone
    * a delivered file is whole: the exchange meets no prompt without audio, nor a version with errors
    * a change of the calendar is delivered when it is committed; a lost file comes back within minutes
"""
