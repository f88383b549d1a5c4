"""Asterisk: the log read across rotation, the live connection across losses, and both told as one."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.calls.fold import fold
from madoguchi.voice.adapters.ami import AmiError, AmiRefused, Manager, Message
from madoguchi.voice.adapters.asterisk import Ami, Same, read_line
from madoguchi.voice.adapters.feed import Feed
from madoguchi.voice.adapters.queuelog import Position, read_on
from madoguchi.voice.events import CallEvent, EventError

from . import recorded
from .amiserver import AmiServer
from .recorded import NOW

pytestmark = pytest.mark.req("CALL-08")
LOG = recorded.lines("queue_log.txt")
SECONDS = 10


def test_lines_without_a_call_say_nothing() -> None:
    assert read_line("1795564800|NONE|NONE|NONE|QUEUESTART|", now=NOW).ignored == ()
    assert read_line("1795564800|1795564800.1|main|op1|SOMETHINGNEW|x", now=NOW).ignored == ("SOMETHINGNEW",)
    assert read_line("1795564800|NONE|main|op1|SOMETHINGNEW|x", now=NOW).ignored == ("SOMETHINGNEW without a call",)


@pytest.mark.parametrize(("line", "kinds"), [
    ("RINGNOANSWER|1000", [("not_answered", {"why": "timeout"})]),
    ("EXITEMPTY|1|1|7", [("overflowed", {"why": "no_operator", "wait": 7})]),
    ("EXITWITHKEY|1|1|1|9", [("callback_requested", {"wait": 9})]),
    ("EXITWITHKEY|9|1|1|9", [("menu", {"key": "9"})]),
    ("BLINDTRANSFER|202|internal|3|50|1", [("transferred", {"to": "202", "mode": "blind"})]),
    ("ATTENDEDTRANSFER|BRIDGE|b7|3|50|1", [("transferred", {"to": "b7", "mode": "attended"})]),
    ("TRANSFER|202|internal|3|50|1", [("transferred", {"to": "202", "mode": "blind"})]),
    ("COMPLETEAGENT|3|50|1", [("ended", {"by": "operator", "talk": 50})]),
    ("ABANDON|1|1|4", [("abandoned", {"wait": 4}), ("ended", {"by": "caller"})]),
    ("SYSCOMPAT", [("ended", {"by": "system", "why": "incompatible"})]),
    ("RINGCANCELED", []),
    ("MADOGUCHI|callback_requested|0829301234|", [("callback_requested", {"number": "+81829301234"})]),
    ("MADOGUCHI|menu|book", [("menu", {"choice": "book"})]),
])  # fmt: skip
def test_a_line_of_each_kind(line: str, kinds: list[tuple[str, dict[str, object]]]) -> None:
    events = read_line(f"1795564800|1795564700.1|main|op1|{line}", now=NOW).events
    assert [(event.kind, dict(event.data)) for event in events] == kinds


@pytest.mark.parametrize(("line", "says"), [
    ("x", "line: 1 fields"), ("soon|1.1|q|a|CONNECT|1|2|3", "epoch: "), ("1795564800|1.1|q|a|CONNECT|?", "data1: "),
    ("1795564800|1.1|q|a|ABANDON|1|1", "data3: "), ("1795564800|1.1|q|a|MADOGUCHI|dance", "kind: "),
    ("1795564800|1.1|q|a|MADOGUCHI|offered|asleep", "data.state: "), ("99999999999|1.1|q|a|CONNECT|1", "at: "),
])  # fmt: skip
def test_a_broken_line_says_why(line: str, says: str) -> None:
    with pytest.raises(EventError, match=says):
        read_line(line, now=NOW)


@given(st.sampled_from(LOG).flatmap(lambda line: st.tuples(st.just(line.split("|")), st.integers(0, 9), st.text(max_size=12))))
def test_any_line_gives_events_or_a_reason(made: tuple[list[str], int, str]) -> None:
    fields, place, text = made
    try:
        for event in read_line("|".join([*fields[:place], text, *fields[place + 1 :]]), now=NOW).events:
            event.line().encode()
    except EventError as error:
        assert ": " in str(error)


FIELDS = st.sampled_from(["Event", "Uniqueid", "Timestamp", "HoldTime", "Kind", "Reason", "Position"])


@given(st.sampled_from(recorded.messages()), st.dictionaries(FIELDS, st.text(max_size=12)))
def test_any_message_gives_events_or_a_reason(message: Message, change: Message) -> None:
    reader = Ami()
    for one in (message, {**message, **change}, {"Event": "Hangup", "Uniqueid": message.get("Uniqueid", "")}):
        try:
            for event in reader.read(one, now=NOW).events:
                event.line().encode()
        except EventError as error:
            assert ": " in str(error)


def _message(event: str, second: float, **more: str) -> Message:
    return {"Event": event, "Uniqueid": "1795564800.5", "Linkedid": "1795564800.5", "Queue": "main", "MemberName": "op1",
            "Timestamp": f"{1795564800 + second:.6f}", **more}  # fmt: skip


def _kinds(*messages: Message) -> list[str]:
    reader = Ami()
    return [event.kind for message in messages for event in reader.read(message, now=NOW).events]


def test_ami_tells_a_caller_who_gave_up_from_one_whose_time_ran_out() -> None:
    """Asterisk sends QueueCallerAbandon for both; what follows tells them apart."""
    join, gone, over = _message("QueueCallerJoin", 1), _message("QueueCallerAbandon", 9, HoldTime="8"), _message("Hangup", 9.1)
    assert _kinds(join, gone, over) == ["queued", "abandoned", "ended"]
    status = _message("VarSet", 9, Variable="QUEUESTATUS", Value="TIMEOUT")
    assert _kinds(join, gone, status, over) == ["queued", "overflowed", "ended"]


def test_ami_hears_hold_and_transfer_of_a_call_it_knows() -> None:
    join = _message("QueueCallerJoin", 1)
    hold = _message("Hold", 5, Uniqueid="1795564803.6")
    assert _kinds(join, hold, {**hold, "Event": "Unhold"}, {**hold, "Linkedid": "other"}) == ["queued", "held", "resumed"]
    assert _kinds(join, _message("AgentComplete", 9, Reason="transfer"), _message("Hangup", 60)) == ["queued", "transferred", "ended"]
    assert _kinds(_message("Hangup", 60)) == []


def test_a_turned_second_is_the_same_event_and_two_agents_are_two() -> None:
    same = Same()

    def event(second: float, agent: str, kind: str = "not_answered") -> CallEvent:
        return CallEvent("asterisk", "1.1", kind, NOW + dt.timedelta(seconds=second), agent=agent)  # type: ignore[arg-type]

    live = same.settle(event(0.9, "op1"))
    assert same.settle(event(1, "op1")) == live
    assert same.settle(event(2, "op2")).at == NOW + dt.timedelta(seconds=2)
    assert same.settle(event(2, "op3")).at == NOW + dt.timedelta(seconds=2, microseconds=1)
    assert same.settle(event(9, "op1")).at == NOW + dt.timedelta(seconds=9)
    again = Same.load(same.dump())
    assert again.settle(event(1, "op1")) == live
    again.forget(NOW + dt.timedelta(hours=1))
    assert again.known == {}


def _all(path: Path, position: Position) -> tuple[list[str], Position]:
    found: list[str] = []
    while True:
        lines, position = read_on(path, position)
        if not lines:
            return found, position
        found += lines


def test_the_log_is_read_on_by_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    assert read_on(path, Position()) == ([], Position())
    path.write_text("1|a|q|NONE|X|\n2|a|q|N")
    found, position = _all(path, Position())
    assert found == ["1|a|q|NONE|X|"]
    with path.open("a") as stream:
        stream.write("ONE|X|\u2028é\n")
    found, position = _all(path, Position.load(position.dump()))
    assert found == ["2|a|q|NONE|X|\u2028é"]
    assert _all(path, position)[0] == []


@pytest.mark.parametrize("way", ["rename", "gzip", "copy and truncate"])
def test_the_log_is_followed_across_rotation(tmp_path: Path, way: str) -> None:
    path = tmp_path / "queue_log"
    path.write_text("1|a|q|NONE|X|1\n")
    _, position = _all(path, Position())
    with path.open("a") as stream:
        stream.write("2|a|q|NONE|X|2\n")
    text = path.read_bytes()
    path.unlink() if way != "copy and truncate" else path.write_bytes(b"")
    if way == "gzip":
        (tmp_path / "queue_log.1.gz").write_bytes(gzip.compress(text))
    else:
        (tmp_path / "queue_log.1").write_bytes(text)
    (tmp_path / "queue_log.2").write_text("0|a|q|NONE|X|0\n")
    assert _all(path, position)[0] == ["2|a|q|NONE|X|2"]
    path.write_text("3|a|q|NONE|X|3\n")
    found, position = _all(path, position)
    assert found == ["2|a|q|NONE|X|2", "3|a|q|NONE|X|3"]
    assert _all(path, position)[0] == []


def test_a_log_that_is_gone_is_told_and_the_next_one_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "queue_log"
    path.write_text("5|a|q|NONE|X|5\n")
    _, position = _all(path, Position())
    path.write_text("9|a|q|NONE|X|9\n")
    assert _all(path, position)[0] == ["9|a|q|NONE|X|9"]
    assert "is lost" in caplog.text


class Heard:
    """What a client heard; ``wait`` until there is as much."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.gaps = 0
        self.new = asyncio.Event()

    async def hear(self, message: Message) -> None:
        self.messages.append(message)
        self.new.set()

    async def gap(self) -> None:
        self.gaps += 1
        self.new.set()

    async def wait(self, *, gaps: int, messages: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.gaps < gaps or len(self.messages) < messages:
                self.new.clear()
                await self.new.wait()


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(0)


def _manager(server: AmiServer, **more: object) -> Manager:
    return Manager("127.0.0.1", server.port, "madoguchi", "secret", pause=_at_once, **more)  # type: ignore[arg-type]


async def _signs_in_and_hears(plain: bool) -> None:
    heard = Heard()
    async with AmiServer() as server:
        task = asyncio.create_task(_manager(server, plain=plain).listen(hear=heard.hear, gap=heard.gap))
        writer = await server.came.get()
        await server.say(writer, {"Event": "QueueCallerJoin", "Uniqueid": "1.1", "ChanVariable": "a=b: c"})
        await heard.wait(gaps=1, messages=2)
        task.cancel()
    assert [message["Event"] for message in heard.messages] == ["FullyBooted", "QueueCallerJoin"]
    assert heard.messages[1]["ChanVariable"] == "a=b: c"
    login = server.actions[-1]
    assert login["Events"] == "agent,call,dialplan,user" and ("Secret" in login) is plain


@pytest.mark.parametrize("plain", [False, True])
def test_the_client_signs_in_and_hears(plain: bool) -> None:
    asyncio.run(_signs_in_and_hears(plain))


def test_the_client_comes_back_and_says_that_there_was_a_gap() -> None:
    async def scene() -> None:
        heard = Heard()
        async with AmiServer() as server:
            task = asyncio.create_task(_manager(server).listen(hear=heard.hear, gap=heard.gap))
            (await server.came.get()).close()
            server.refuse = 2
            writer = await server.came.get()
            await server.say(writer, {"Event": "Hangup"}, {"Event": "Shutdown"})
            await heard.wait(gaps=3, messages=4)
            task.cancel()
        assert [message["Event"] for message in heard.messages] == ["FullyBooted", "FullyBooted", "Hangup", "FullyBooted"]

    asyncio.run(scene())


def test_silence_is_asked_about_and_ends_the_connection() -> None:
    async def scene() -> None:
        heard = Heard()
        async with AmiServer(mute=True) as server:
            task = asyncio.create_task(_manager(server, ping_seconds=0.02).listen(hear=heard.hear, gap=heard.gap))
            await heard.wait(gaps=2, messages=2)
            task.cancel()
            assert "Ping" in [action["Action"] for action in server.actions]

    asyncio.run(scene())


def test_a_wrong_secret_at_the_start_is_said_at_once() -> None:
    async def scene() -> None:
        heard = Heard()
        async with AmiServer(secret="other") as server:
            await _manager(server).listen(hear=heard.hear, gap=heard.gap)

    with pytest.raises(AmiRefused, match="Login: Authentication failed"):
        asyncio.run(scene())


def test_what_is_no_ami_is_not_spoken_to() -> None:
    async def scene() -> None:
        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail\r\n")

        server = await asyncio.start_server(other, "127.0.0.1", 0)
        waited: list[float] = []

        async def pause(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 7:
                raise AmiError("enough")

        heard = Heard()
        manager = Manager("127.0.0.1", server.sockets[0].getsockname()[1], "u", "s", pause=pause)
        with pytest.raises(AmiError, match="enough"):
            await manager.listen(hear=heard.hear, gap=heard.gap)
        server.close()
        assert waited == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]

    asyncio.run(scene())


class Store:
    """Where events go; fails as often as told, and forgets nothing that it took."""

    def __init__(self, fails: int = 0) -> None:
        self.events: dict[tuple[str, str, str, dt.datetime], CallEvent] = {}
        self.fails = fails
        self.new = asyncio.Event()

    async def deliver(self, events: Sequence[CallEvent]) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError("the database is away")
        for event in events:
            self.events.setdefault(event.key, event)
        self.new.set()

    async def until(self, ended: int) -> None:
        async with asyncio.timeout(SECONDS):
            while sum(event.kind == "ended" for event in self.events.values()) < ended:
                self.new.clear()
                await self.new.wait()


def _feed(store: Store, folder: Path, **more: object) -> Feed:
    return Feed(deliver=store.deliver, state=folder / "state.json", clock=lambda: NOW, every_seconds=0, pause=_at_once, **more)  # type: ignore[arg-type]


def test_what_was_missed_comes_by_itself_and_counts_once(tmp_path: Path) -> None:
    """Half of the calls are heard live, then the connection breaks; the log fills in, while nothing is counted twice."""

    async def scene() -> dict[str, object]:
        store, path = Store(fails=2), tmp_path / "queue_log"
        path.write_text("")
        async with AmiServer() as server:
            task = asyncio.create_task(_feed(store, tmp_path, manager=_manager(server), queue_log=path).run())
            writer = await server.came.get()
            await server.say(writer, *recorded.messages()[:30])
            await store.until(2)
            path.write_text("\n".join(LOG) + "\n")
            writer.close()
            await server.came.get()
            await store.until(5)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return dict(recorded.folded(list(store.events.values())))

    found = asyncio.run(scene())
    wanted = recorded.folded(list(recorded.queue_log()))
    for name, call in found.items():
        assert (call.outcome, call.missed, call.wait_seconds) == (wanted[name].outcome, wanted[name].missed, wanted[name].wait_seconds)


def test_a_process_that_died_repeats_itself_with_the_same_times(tmp_path: Path) -> None:
    async def run(store: Store, messages: list[Message]) -> Feed:
        feed = _feed(store, tmp_path, queue_log=tmp_path / "queue_log")
        for message in messages:
            await feed.hear(message)
        await feed.fill()
        return feed

    store = Store()
    (tmp_path / "queue_log").write_text("")
    asyncio.run(run(store, recorded.messages()))
    live = set(store.events)
    (tmp_path / "queue_log").write_text("\n".join([*LOG, "broken"]) + "\n")
    feed = asyncio.run(run(store, []))
    missing = {key[2] for key in set(store.events) - live}
    assert missing == set()
    assert feed.counts == {"SOMETHINGNEW": 1, "broken line": 1}
    assert "0901" not in (tmp_path / "state.json").read_text()
    position = feed.position
    assert asyncio.run(run(store, [])).position == position
    assert len(fold(store.events.values())) == 5


def test_events_before_the_start_are_passed_over(tmp_path: Path) -> None:
    async def scene() -> Store:
        store = Store()
        (tmp_path / "queue_log").write_text("\n".join(LOG) + "\n")
        await _feed(store, tmp_path, queue_log=tmp_path / "queue_log", since=recorded.START + dt.timedelta(hours=1)).fill()
        return store

    assert {event.kind for event in asyncio.run(scene()).events.values()} == {"offered", "announced", "ended"}


def test_a_later_start_does_not_pass_over_what_was_missed(tmp_path: Path) -> None:
    async def scene() -> Store:
        store, path = Store(), tmp_path / "queue_log"
        path.write_text(LOG[0] + "\n")
        await _feed(store, tmp_path, queue_log=path, since=recorded.START).fill()
        path.write_text("\n".join(LOG) + "\n")
        await _feed(store, tmp_path, queue_log=path, since=recorded.START + dt.timedelta(days=1)).fill()
        return store

    assert len(fold(asyncio.run(scene()).events.values())) == 5
