"""Accounts of staff: people of contractors and cities. Residents have no account.

Words
    user         one person, signed in by e-mail, password and a second factor (TOTP or passkey)
    role         what a person may do under one contract; least privilege
    assignment   user × contract × role; nothing is visible of a contract without one
    invitation   the only way to an account: a single-use link by mail, valid for a limited time
"""
