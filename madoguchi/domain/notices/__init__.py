"""Notices: mails to residents, from templates the city edits, sent by SMTP with retry, each with its log.

Words
    template   subject and body of one kind of notice in one language; the city's edit wins over the shipped text
    message    one notice to be sent: it references its record (``booking:123``) and holds no personal data; the address
               is read and opened only at the moment of sending
    attempt    one try to deliver, with the server's answer
    bounce     a returned mail, matched by the message id

Invariants
    * a message row is written in the transaction of the deed it tells of; the worker sends it once, and its message
      id is stable so that the repeat after a kill in the wrong microsecond can be recognised (see ``sending``)
    * notices knows no app above it: whoever owns a record registers how to find its recipient (``recipients.register``)
"""
