"""Deeds of billing, split by noun: ``invoices`` and ``ledger``."""
