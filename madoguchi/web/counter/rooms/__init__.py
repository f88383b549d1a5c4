"""Screens of the rooms of the counter: checklists, papers to be destroyed, days at other places."""
