"""The command line as a person meets it: help, checks, calendar, keys, proofs; exit codes and lines on the right stream."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from django.db import connection

from madoguchi.cli import main, parser
from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.slots import CalendarChange, change_calendar
from madoguchi.domain.procedures.services import ensure_procedures, ensure_rules
from madoguchi.ground.accounts.keys import find_key
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..domain.booking.desk import Desk, at

Captured = pytest.CaptureFixture[str]
VERBS = [
    [], ["demo"], ["serve"], ["worker"], ["mailbox"], ["migrate"], ["bounce"], ["profile"], ["profile", "check"], ["calendar"],
    ["api-key"], ["asterisk"], ["audit"], ["audit", "verify"], ["capacity"], ["capacity", "verify"], ["doctor"], ["key"], ["bring"], ["renewal"],
]  # fmt: skip
DAYS = ["--site", "main", "--channel", "counter", "--from", "2026-11-02", "--to", "2026-11-07"]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_explains_itself(capsys: Captured, verb: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*verb, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith("usage: madoguchi")
    assert len(told) > 60


def test_a_wrong_verb_is_refused(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fly"])
    assert ended.value.code == 2
    assert "invalid choice: 'fly'" in capsys.readouterr().err


@pytest.mark.req("CON-01")
def test_good_profiles(capsys: Captured, profiles_dir: Path) -> None:
    files = sorted(profiles_dir.glob("*.toml"))
    assert len(files) == 5
    assert main(["profile", "check", *map(str, files)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(": good (" in line for line in lines)


@pytest.mark.req("CON-01")
def test_a_broken_profile_gives_a_line_for_each_problem(capsys: Captured, profiles_dir: Path, tmp_path: Path) -> None:
    text = (profiles_dir / "hatsukaichi.toml").read_text()
    broken = tmp_path / "hatsukaichi.toml"
    broken.write_text(
        text.replace("max_people = 5", 'max_people = "many"').replace("hold_minutes = 10", "hold_minuts = 10")
    )
    assert main(["profile", "check", str(broken), str(profiles_dir / "izumi.toml"), str(tmp_path / "none.toml")]) == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = [line for line in lines if line.startswith("hatsukaichi.toml: ")]
    assert len(wrong) == 2
    assert any("booking.max_people" in line and "expected" in line for line in wrong)
    assert any("booking.hold_minuts" in line for line in wrong)
    assert lines[-1] == f"none.toml: file: expected a profile at {tmp_path / 'none.toml'} (got nothing)"


@pytest.mark.req("CAL-01")
def test_the_plain_calendar_needs_no_database(capsys: Captured) -> None:
    assert main(["calendar", "hatsukaichi", *DAYS, "--plain", "--json"]) == 0
    days = json.loads(capsys.readouterr().out)
    assert [day["date"] for day in days] == [f"2026-11-0{n}" for n in range(2, 8)]
    assert days[0] == {
        "date": "2026-11-02",
        "open": [["08:30", "17:15"]],
        "last_reception": None,
        "reason": days[0]["reason"],
    }
    assert days[1]["open"] == [] and days[1]["reason"]
    assert [bool(day["open"]) for day in days] == [True, False, True, True, True, False]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["calendar", "kyoto", *DAYS, "--plain"], "no contract 'kyoto'; there are: hatsukaichi, izumi"),
        (["calendar", "hatsukaichi", "--site", "moon", *DAYS[2:], "--plain"], "moon"),
    ],
)
def test_a_wrong_question_is_answered_with_what_there_is(capsys: Captured, arguments: list[str], told: str) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""


def test_a_wrong_date_is_named(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["calendar", "hatsukaichi", *DAYS[:5], "2026-02-30", *DAYS[6:]])
    assert ended.value.code == 2
    assert "'2026-02-30' is no date; write YYYY-MM-DD" in capsys.readouterr().err


@pytest.mark.req("CAL-05")
def test_the_calendar_holds_what_staff_changed(
    capsys: Captured, contract: Contract, official: Actor, now: dt.datetime
) -> None:
    closing = CalendarChange(dt.date(2026, 11, 4), "closed", "", "counter", (), None, "台風")
    change_calendar(contract, closing, by=official, now=now)
    assert main(["calendar", "hatsukaichi", *DAYS, "--json"]) == 0
    days = json.loads(capsys.readouterr().out)
    assert (days[2]["open"], days[2]["reason"]) == ([], "臨時閉庁：台風")
    assert main(["calendar", "hatsukaichi", *DAYS, "--plain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[2]["open"] == [["08:30", "17:15"]]
    assert main(["calendar", "hatsukaichi", *DAYS]) == 0
    assert "2026-11-04  —" in capsys.readouterr().out


def test_a_key_is_printed_once_and_works(capsys: Captured, contracts: dict[str, Contract]) -> None:
    assert main(["api-key", "izumi", "--scopes", "availability:read,reservations:write", "--per-minute", "7"]) == 0
    secret = capsys.readouterr().out.strip()
    key = find_key(contracts["izumi"], secret)
    assert key is not None
    assert (key.scopes, key.per_minute) == ({"availability:read", "reservations:write"}, 7)
    assert find_key(contracts["nagaoka"], secret) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["api-key", "izumi", "--scopes", "everything"], "unknown scope everything; choose from availability:read"),
        (["api-key", "izumi", "--scopes", "calls:cti"], "a key of calls:cti stands in an address: name the networks"),
        (["api-key", "izumi", "--scopes", "calls:cti", "--from", "here"], "'here' is no address or network"),
        (["api-key", "nowhere", "--scopes", "availability:read"], "no contract 'nowhere' in the database; there are: "),
        (["capacity", "verify", "nowhere"], "no contract 'nowhere'"),
    ],
)
def test_wrong_arguments_end_with_one_line(
    capsys: Captured, contracts: dict[str, Contract], arguments: list[str], told: str
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(told)
    assert captured.out == ""


@pytest.mark.req("BOOK-02", "SEC-02")
def test_proofs_exit_with_1_and_name_the_first_wrong_row(
    capsys: Captured, contract: Contract, now: dt.datetime
) -> None:
    desk = Desk(contract, now)
    desk.set_up(dt.date(2026, 11, 4), dt.date(2026, 11, 4))
    done = desk.reserve(at(10))
    availability.forget()
    assert main(["capacity", "verify"]) == main(["audit", "verify"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "hatsukaichi: taken places equal the bookings" in told
    assert "hatsukaichi: every link holds" in told
    slot = desk.slot(at(10))
    with contract_scope(contract), connection.cursor() as cursor:
        cursor.execute("update booking_slot set taken = 2 where id = %s", [slot.pk])
        cursor.execute("update audit_head set seq = seq + 1 where contract_id = %s", [contract.pk])
    assert main(["capacity", "verify", "hatsukaichi"]) == 1
    assert capsys.readouterr().out.startswith(
        f"hatsukaichi: WRONG: slot {slot.pk}: taken 2, claims and rests 1, at 2026-11-04 10:00"
    )
    assert main(["audit", "verify", "hatsukaichi"]) == 1
    assert "hatsukaichi: BROKEN: hatsukaichi lane" in capsys.readouterr().out
    assert desk.booking(done.code).people == 1


def test_the_doctor_says_what_is_there_and_how_to_mend_the_rest(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok    Python 3.") for line in lines)
    assert any("5 profile(s)" in line for line in lines)
    assert any("PostgreSQL" in line for line in lines)
    monkeypatch.setenv("MADOGUCHI_PROFILES", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "FAIL  0 profile(s)" in told
    assert "→ put a profile there, or set MADOGUCHI_PROFILES" in told
    assert "FAIL  DATABASE_URL\n        → cannot connect" in told


@pytest.mark.req("BOOK-12")
def test_renewal_opens(capsys: Captured) -> None:
    assert main(["renewal", "--expires", "2023-07-07", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["opens"] == "2023-04-08"
    assert main(["renewal", "--expires", "2026-05-30"]) == 0
    assert capsys.readouterr().out.strip() == "2026-03-01"
    with pytest.raises(SystemExit):
        main(["renewal", "--expires", "soon"])


@pytest.mark.req("BOOK-12")
def test_what_to_bring_with_sources(capsys: Captured, contract: Contract, now: dt.datetime) -> None:
    ensure_procedures(contract, now=now)
    ensure_rules(contract, now=now)
    ask = ["bring", "hatsukaichi", "--procedure", "card_pickup", "--on", "2026-12-01", "--json"]
    assert main([*ask, "--who", "self", "--age", "40"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["documents"][0]["code"] == "pickup-notice"
    assert all(line["source"] and line["city_must_confirm"] for line in told["documents"])
    assert told["steps"] and told["warnings"]
    assert main([*ask, "--who", "parent", "--age", "5"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["who"] == "legal"
    assert "pickup-parent-id" in [line["code"] for line in told["documents"]]
    assert main([*ask, "--who", "proxy", "--situation", "not:face_auth", "--language", "en"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["documents"][0]["language"] == "en"
    assert told["ask_city"] and told["call"]


def test_what_to_bring_complains_in_a_line(capsys: Captured, contract: Contract, now: dt.datetime) -> None:
    ensure_rules(contract, now=now)
    assert main(["bring", "hatsukaichi", "--procedure", "flying"]) == 2
    assert "no procedure 'flying'; there are: " in capsys.readouterr().err
    ask = ["bring", "hatsukaichi", "--procedure", "card_pickup"]
    assert main([*ask, "--situation", "lost", "--situation", "not:lost"]) == 2
    assert "it holds and it does not" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*ask, "--age", "old"])
    with pytest.raises(SystemExit):
        main([*ask, "--situation", "tired"])
    assert "there are: pin_unknown, expired" in capsys.readouterr().err
