"""Two tablets without a connection and a server that goes on: however their deeds meet, each is done once and each visit ends once."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.reception.enums import Choice, LateState, LateVerb, Outcome, Source
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import LateDeed, Period, Tablet, Ticket
from madoguchi.domain.reception.services import day, late, tablets, tickets, windows
from madoguchi.domain.reception.services.late import CHOICES, Sent
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind
from madoguchi.ground.kit.actors import Channel as Way
from madoguchi.ground.worklog.models import Fact

from .crowd import Outcome as Crowd
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("SEC-06")]
BROWSER = "a" * 32
BY = Actor(ActorKind.COUNTER, Way.COUNTER, "user:1", "窓口")


def ready(contracts: dict[str, Contract], now: dt.datetime) -> Contract:
    contract = contracts["hatsukaichi"]
    availability.forget()
    set_up(contract, now=now)
    return contract


def tablet_of(contract: Contract, name: str, now: dt.datetime) -> tuple[Tablet, list[int]]:
    with contract_scope(contract):
        tablet = tablets.add_tablet(contract, site="main", name=name, by=BY, now=now)
        blocks = tablets.meet(contract, tablet, browser=BROWSER, unused={}, kept=0, by=BY, now=now)
        return tablet, [n for block in blocks if block.letter == "A" for n in range(block.first, block.last + 1)]


def alone(name: str, numbers: list[int], known: list[int], dice: random.Random, now: dt.datetime) -> list[Sent]:
    """What a tablet does in a morning alone: its own parties and those that waited when the connection broke, at two windows."""
    deeds: list[Sent] = []
    waiting: list[str] = [f"#{pk}" for pk in known]
    busy: dict[int, tuple[str, bool]] = {}
    at = now

    def do(verb: LateVerb, about: str = "", **body: object) -> str:
        key = f"{name}-{len(deeds)}"
        deeds.append(Sent(key, verb, about or key, at, dict(body)))
        return key

    for _ in range(40):
        at += dt.timedelta(seconds=dice.randint(5, 200))
        window = dice.choice((1, 2))
        if dice.random() < 0.35 and numbers:
            waiting.append(do(LateVerb.ISSUE, group="card", number=numbers.pop(0), parts={"card_pickup": 1}, people=1, language="ja"))
        elif window not in busy:
            if waiting:
                about = waiting.pop(dice.randrange(len(waiting)))
                do(LateVerb.CALL, about, window=window)
                busy[window] = (about, False)
        else:
            about, served = busy[window]
            if not served and dice.random() < 0.2:
                do(LateVerb.MISSED, about, window=window)
                del busy[window]
            elif not served:
                do(LateVerb.BEGIN, about, window=window)
                busy[window] = (about, True)
            else:
                wanted = dice.random() < 0.8
                if dice.random() < 0.2:
                    do(LateVerb.HOLD, about, window=window)
                    waiting.append(about)
                    del busy[window]
                    continue
                do(*((LateVerb.FINISH, about) if wanted else (LateVerb.END, about)), window=window, procedures=["card_pickup"], outcome="left")
                del busy[window]
    return deeds


def online(contract: Contract, user: User, number: int, dice: random.Random, now: dt.datetime) -> None:
    """A window with a connection, which calls from the same queue; refusals are its daily bread."""
    own = {"site": "main", "number": number, "user": user, "by": BY}
    windows.open_window(contract, groups=["card"], key=f"open{number}", now=now, **own)  # type: ignore[arg-type]
    for turn in range(8):
        at = now + dt.timedelta(minutes=3 * turn)
        key = f"on{number}-{turn}"
        try:
            tickets.issue(contract, site="main", parts={"card_pickup": 1}, key=f"i{key}", by=BY, now=at)
            if windows.call_next(contract, key=f"c{key}", now=at, **own) is not None:  # type: ignore[arg-type]
                if dice.random() < 0.7:
                    windows.begin(contract, key=f"b{key}", now=at, **own)  # type: ignore[arg-type]
                    windows.finish(contract, procedures=["card_pickup"], key=f"f{key}", now=at, **own)  # type: ignore[arg-type]
                else:
                    windows.missed(contract, key=f"m{key}", now=at, **own)  # type: ignore[arg-type]
        except ReceptionRefused:
            continue


@pytest.mark.parametrize("seed", range(4))
def test_two_tablets_and_a_server_are_reconciled(contracts: dict[str, Contract], now: dt.datetime, seed: int) -> None:
    contract = ready(contracts, now)
    dice = random.Random(seed)
    users = [User.objects.create_user(f"late{n}@example.jp", None, name=f"窓口 {n}") for n in range(4)]
    with contract_scope(contract):
        known = [tickets.issue(contract, site="main", parts={"card_pickup": 1}, key=f"w{n}", by=BY, now=now).pk for n in range(8)]
    tablet_pairs = [tablet_of(contract, name, now) for name in ("t1", "t2")]
    printed = [list(numbers) for _, numbers in tablet_pairs]
    kept = [alone(tablet.name, numbers, known[n::2] + known[:2], dice, now) for n, (tablet, numbers) in enumerate(tablet_pairs)]
    later = now + dt.timedelta(hours=2)
    dices = [random.Random(seed * 10 + n) for n in range(5)]

    def send(crowd: Crowd, n: int, own: random.Random) -> None:
        """Batches of any size, some of them sent again."""
        tablet, first = tablet_pairs[n][0], 0
        while first < len(kept[n]):
            size = own.randint(1, 6)
            for _ in range(own.randint(1, 2)):
                late.take_in(contract, tablet.pk, kept[n][first : first + size], user=users[n], by=BY, now=later)
            first += size

    crowd = [
        lambda crowd: send(crowd, 0, dices[0]),
        lambda crowd: send(crowd, 0, dices[1]),
        lambda crowd: send(crowd, 1, dices[2]),
        lambda crowd: online(contract, users[2], 1, dices[3], later),
        lambda crowd: online(contract, users[3], 3, dices[4], later),
    ]
    assert run(crowd).failures == []

    with contract_scope(contract):
        sent = {deed.key for deeds in kept for deed in deeds}
        assert set(LateDeed.objects.values_list("key", flat=True)) == sent, "nothing is dropped"
        for _ in range(400):
            row = LateDeed.objects.filter(state=LateState.CLASH).order_by("id").first()
            if row is None:
                break
            choice = Choice.ASIDE if row.body.get("chosen") else dice.choice(CHOICES[row.clash])
            late.decide(contract, row.pk, choice, user=users[0], by=BY, now=later)
        assert not LateDeed.objects.filter(state__in=late.UNSETTLED).exists(), "every question comes to an end"
        assert set(LateDeed.objects.values_list("key", flat=True)) == sent
        for number in (1, 3):
            party = Period.objects.filter(ended_at=None, kind="walk", window__number=number).first()
            if party is not None:
                windows.missed(contract, site="main", number=number, user=users[2 if number == 1 else 3], key=f"end{number}", by=BY, now=later)  # fmt: skip
        day.close_forgotten(contract, by=BY, now=later + dt.timedelta(days=1))

        every = list(Ticket.objects.all())
        assert len({(one.letter, one.number) for one in every}) == len(every)
        assert all(one.outcome in Outcome.values for one in every)
        of_tablets = [one.number for one in every if one.source == Source.TABLET]
        assert set(of_tablets) <= {*printed[0], *printed[1]} or LateDeed.objects.filter(body__has_key="chosen").exists()
        assert not Period.objects.filter(ended_at=None).exists()
        ends = Counter(Fact.objects.filter(kind="reception.served").values_list("ref", flat=True))
        assert set(ends.values()) <= {1}, "one procedure each: no visit is served twice"
        assert len(ends) == sum(one.outcome == Outcome.SERVED for one in every)
        issued = LateDeed.objects.filter(verb="issue", state=LateState.DONE)
        assert len(of_tablets) == issued.count()
    availability.forget()


def test_one_batch_from_two_senders_is_done_once(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = ready(contracts, now)
    tablet, numbers = tablet_of(contract, "t1", now)
    deeds = alone("t1", numbers, [], random.Random(7), now)
    users = [User.objects.create_user(f"twice{n}@example.jp", None, name=f"窓口 {n}") for n in range(4)]
    later = now + dt.timedelta(hours=2)

    def send(crowd: Crowd, n: int) -> None:
        for first in range(0, len(deeds), late.MOST):
            rows = late.take_in(contract, tablet.pk, deeds[first : first + late.MOST], user=users[n], by=BY, now=later)
            with crowd.lock:
                answers.append([row.pk for row in rows])

    answers: list[list[int]] = []
    assert run([lambda crowd, n=n: send(crowd, n) for n in range(4)]).failures == []  # type: ignore[misc]
    batches = -(-len(deeds) // late.MOST)
    assert Counter(map(tuple, answers)).most_common()[0][1] == 4
    assert len(set(map(tuple, answers))) == batches
    with contract_scope(contract):
        assert LateDeed.objects.count() == len(deeds)
        assert Ticket.objects.count() == sum(deed.verb == LateVerb.ISSUE for deed in deeds)
    availability.forget()
