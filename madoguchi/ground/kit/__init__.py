"""Pure helpers without tables: the clock, actors, Japanese dates, kana, phone numbers, the embedded database server.

Nothing here knows the business; everything may be imported from every floor.
"""
