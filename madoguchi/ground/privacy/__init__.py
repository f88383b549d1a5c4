"""Privacy: little data, sealed per field with a key per contract, found through keyed blind indexes, erased on time.

Words
    seal / unseal   AES-256-GCM of one field group with the contract's data key; the purpose is bound to the ciphertext
    blind index     HMAC of a normalised value with the contract's index key: equal values are found, not readable
    master key      from the environment; wraps the keys of every contract: without a contract's row its data is gone
    individual number   the 12-digit number of a person; it may be stored nowhere, every text input refuses it

Invariants
    * plain personal data is in no table, no log, no audit detail
    * ciphertext of one contract or purpose never opens under another
    * the 12-digit number is refused on arrival and never echoed, not even masked
"""
