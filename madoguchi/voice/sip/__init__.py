"""SIP over UDP as far as a call centre needs it: transactions, dialogs, one endpoint, a registrar for telephones.

Messages and session descriptions are read by aiosipua; everything that remembers (RFC 3261 §12–17, RFC 6026) is here, because that library
makes a new call of every retransmitted INVITE and retransmits nothing itself.

Words
    transaction   one request with its responses and retransmissions (:mod:`.transactions`)
    dialog        the relation of two ends while a call lives: tags, route, order of requests (:mod:`.dialogs`)
    call          an INVITE and its dialog, as the exchange uses it (:mod:`.calls`)
    endpoint      the one socket; says who may do what (:mod:`.endpoint`)
    registrar     where the telephones are (:mod:`.registrar`)
    media         what an offer and its answer agreed on (:mod:`.offers`)

Not here: TCP, TLS, PRACK (RFC 3262), session timers of our own (RFC 4028; the other side's are answered), calls that telephones make.
"""
