"""Contracts: who we work for, and what was agreed with them.

Words
    contract   one procurement contract with one city; the tenant of this system. Its code (``hatsukaichi``) is its name in URLs
    profile    the declarative file of what was agreed (``profiles/<code>.toml``); read, validated, never edited by the program
    site       a place where residents are served under the contract
    calendar   when a channel of a site is open; profile layers first, then what staff changed for single days

Invariants
    * every row of a tenant table names its contract, and PostgreSQL shows a session only the rows of the contract it has
      entered (row-level security, installed for every ``TenantModel`` after each migration)
    * without a scope there is no query (django-scopes) and no row (row-level security): two walls
    * code receives values of the profile, never the name of a city
"""
