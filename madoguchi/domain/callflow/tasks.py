"""Doors without a person: what the worker calls on time."""

from __future__ import annotations

import datetime as dt
import logging

from madoguchi.ground.contracts.models import Contract

from . import services, speech

log = logging.getLogger(__name__)


def sweep_audio(now: dt.datetime) -> int:
    """Throw away the sound that nothing uses, in every contract; how many files."""
    return sum(services.sweep_audio(contract, now=now) for contract in Contract.objects.order_by("pk"))


def follow_flows(now: dt.datetime) -> int:
    """Keep every contract's flow in force and delivered: first publishing, wordings whose day has come, changed profiles, coming days, lost files.

    One that cannot be published keeps its last version, which is delivered all the same. How many contracts have a flow.
    """
    there = 0
    for contract in Contract.objects.filter(active=True).order_by("pk"):
        if contract.profile.telephone is None:
            continue
        try:
            services.rehearse(contract, now=now)
            services.republish(contract, now=now)
        except (services.FlowRefused, speech.SpeechError) as error:
            log.error("the call flow of %s cannot be published: %s", contract.code, error)
        services.deliver(contract, now=now)
        there += 1
    return there
