"""Procedures: what residents come for, and what they bring.

Codes and lengths come from the profile; names, descriptions and texts per language are rows that the city edits. The legal
name is Japanese and is always shown beside a translation, because residents must match it with their postcard.
"""
