"""Notices: mails to residents, from templates the city edits, sent by SMTP with retry, each with its log.

Words
    template   subject and body of one kind of notice in one language; the city's edit wins over the shipped text
    message    one notice to be sent: it references its record (``booking:123``) and holds no personal data; the address
               is read and opened only at the moment of sending
    attempt    one try to deliver, with the server's answer
    bounce     a returned mail, matched by the message id

Invariants
    * a message row is written in the same transaction as the deed it tells of; the worker sends it, at least once, and the
      message id is stable so that a repeated delivery can be recognised
    * notices knows no app above it: whoever owns a record registers how to find its recipient (``recipients.register``)
"""
