"""Decisions about procedures: what to bring (``bring``), which procedure it is (``triage``), how long a card is valid (``validity``)."""
