"""Benchmarks: how fast the program is beside the limits of the machine and beside a peer, in one run.

``python -m benchmarks.run`` measures limits, the program, its growth and its rush, prints one table and writes ``results.json``;
``python -m benchmarks.peers`` measures pretix from PyPI and writes ``peers.json``. ``docs/benchmarks.md`` says how to read them.
"""
