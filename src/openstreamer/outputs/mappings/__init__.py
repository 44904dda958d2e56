"""How events become the fields of other programs' formats: data first, and the little that reads it.

    events.py       one row per event class: title, severity, and where each field's value stands
    describe.py     an event -> its title, severity and fields, as the row says
    cef.py          a described event -> a line of the Common Event Format
    text.py         a described event -> words for a log line
    traps.py        the objects of the trap, and where their values stand

`docs/output-fields.md` is made from the same data. Not here: files, sockets, framing.
"""
