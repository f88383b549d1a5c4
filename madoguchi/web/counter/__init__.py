"""The counter: reception and windows, the stock of cards, cases and work lists. A tablet or a keyboard, people standing in front of it."""
