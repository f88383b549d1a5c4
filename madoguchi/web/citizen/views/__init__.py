"""Views of the residents' site, by topic. None of them needs JavaScript."""
