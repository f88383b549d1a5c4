"""Notice numbers (はがきの番号) that the city has sent: read from its file, checked when people book. The numbers themselves are not kept.

Only a keyed blind index of number and birth date together is stored, so that nobody can read the list or try numbers against it elsewhere.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import dates
from madoguchi.ground.privacy.sealing import Keyring, keyring

from .models import NoticeCard
from .party import Person, read_notice_number

MOST_LINES = 50_000
MOST_PROBLEMS = 200
COLUMNS = ("番号", "生年月日")


@dataclass(frozen=True)
class Fault:
    """One thing wrong in the file: line and column from 1 (column 0: the whole line), and what to mend. The value is never repeated."""

    line: int
    column: int
    reason: str


@dataclass
class CardList:
    """What a file says: (number, birth date) once each, and everything wrong with it. With faults nothing of it may be used."""

    cards: list[tuple[str, dt.date]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    encoding: str = ""


def card_index(ring: Keyring, number: str, born: dt.date) -> bytes:
    """Blind index of a notice number with its birth date."""
    return ring.blind("notice", f"{number}|{born.isoformat()}")


def read_list(content: bytes) -> CardList:
    """Read a CSV file of two columns, 番号 and 生年月日, in UTF-8 or CP932, with or without a line of headings."""
    found = CardList()
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text or content.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
            continue
        found.encoding = encoding
        break
    else:
        found.faults.append(Fault(1, 0, "文字コードが読めません。UTF-8 か Shift_JIS（CP932）の CSV にしてください。"))
        return found
    rows = csv.reader(io.StringIO(text, newline=""))
    places = (0, 1)
    seen: set[tuple[str, dt.date]] = set()
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if rows.line_num == 1 and all(any(name in cell for cell in cells) for name in COLUMNS):
                places = tuple(next(i for i, cell in enumerate(cells) if name in cell) for name in COLUMNS)  # type: ignore[assignment]
                continue
            if rows.line_num > MOST_LINES:
                found.faults.append(Fault(rows.line_num, 0, f"{MOST_LINES:,}行までです。ファイルを分けてください。"))
                break
            card = _card(rows.line_num, cells, places, found.faults)
            if card and card not in seen:
                seen.add(card)
                found.cards.append(card)
    except csv.Error:
        found.faults.append(Fault(rows.line_num, 0, "CSV として読めません。引用符（\"）の対応を確かめてください。"))
    if not found.cards and not found.faults:
        found.faults.append(Fault(1, 0, "番号の行がありません。1列目に番号、2列目に生年月日を入れてください。"))
    return found


def _card(line: int, cells: list[str], places: tuple[int, int], faults: list[Fault]) -> tuple[str, dt.date] | None:
    """One line; what is wrong is said in fixed words, so that no report repeats a number or a birth date."""
    typed, said = (cells[place] if place < len(cells) else "" for place in places)
    number, born = "", None
    try:
        number = read_notice_number(typed)
    except ValueError:
        faults.append(Fault(line, places[0] + 1, "番号は、英数字3桁と数字6桁です。例：A1B-123456"))
    try:
        born = dates.parse(said)
    except ValueError:
        faults.append(Fault(line, places[1] + 1, "生年月日として読めません。例：1980-01-02、昭和55年1月2日"))
    return (number, born) if number and born else None


def refusals(
    contract: Contract, people: Sequence[tuple[Person, Person | None]], *, today: dt.date
) -> dict[int, dict[str, str]]:
    """People (by position from 0) whose notice number the city's list does not confirm: field → what to do.

    Each comes with the details kept so far: what has not changed is not asked again. Which of number and birth date is wrong is not
    said. Empty for a contract that does not check against a list.
    """
    if contract.profile.booking.notice_check != "list":
        return {}
    ring = keyring(contract)
    found: dict[int, dict[str, str]] = {}
    with contract_scope(contract):
        for position, (person, before) in enumerate(people):
            number, born = person.values.get("notice_number", ""), person.birth_date
            if not number or (before and (before.values.get("notice_number"), before.birth_date) == (number, born)):
                continue
            if born is None:
                found[position] = {"birth_date": _("生年月日も入力してください。はがきの番号と合わせて確かめます。")}
            elif not NoticeCard.objects.filter(index=card_index(ring, number, born), expires_on__gte=today).exists():
                found[position] = {
                    "notice_number": _(
                        "はがきの番号と生年月日の組み合わせを確かめられませんでした。はがきを見て、両方をもう一度入力してください。"
                        "はがきが見つからないときは、お電話ください。"
                    )
                }
    return found
