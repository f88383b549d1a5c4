"""The flow file: all that the exchange knows of a contract. Written by the site when texts, hours or profile change; read here.

One folder per contract, ``<folder>/<contract>/flow.json``, beside it ``audio/<name>.wav`` (8,000 Hz, mono, 16 bit). The file is replaced
by a rename, so a reader sees the old one or the new one. The exchange keeps the last good one beside
it as ``flow.good.json``. Audio files are named by their content and never change.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

State = Literal["open", "closed", "holiday", "year_end"]
PromptName = Literal[
    "greeting", "menu", "closed", "holiday", "year_end", "full", "position", "callback", "number", "number_confirm", "number_wrong", "callback_done",
    "web_hint", "connect", "hold",
]
"""What is said:

greeting       open: who answers here (``menu`` follows, or the queue)
menu           the keys
closed         outside the hours, with the hours (rendered by the site from the same calendar)
holiday        the same on a holiday
year_end       the same around New Year
full           all operators talk: please wait, or press the call-back key, or book on the web
position       while waiting, now and then (no number is spoken: one recording for all)
callback       nobody could take the call: call-back and web page offered (the automatic answer of an overload)
number         a caller who shows no number asks for a call-back: please type it, then #
number_confirm after the digits were read back (:attr:`Flow.digits`): 1 if it is right, 2 to type it again
number_wrong   this is no number that can be called
callback_done  we shall call you back; goodbye
web_hint       the address of the web page
connect        an operator takes the call now
hold           please wait a moment; repeated while on hold, also when an operator's browser was lost
"""


class Part(BaseModel):
    """Frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _clock(value: str) -> str:
    if value != "24:00":
        dt.time.fromisoformat(value)
    return value


Clock = Annotated[str, AfterValidator(_clock)]


class Day(Part):
    """One day in Japan: how it is closed where no hours hold, and its hours (``24:00`` ends a day)."""

    state: Literal["closed", "holiday", "year_end"] = "closed"
    hours: tuple[tuple[Clock, Clock], ...] = ()

    def state_at(self, clock: str) -> State:
        """The state at ``HH:MM``."""
        return "open" if any(begin <= clock < end for begin, end in self.hours) else self.state


class Choice(Part):
    """One key of the menu: its code, the queue it leads to, and the language spoken from there on."""

    code: str
    label: str
    queue: str = "main"
    language: str | None = None


class Menu(Part):
    """Keys 0–9, how long a choice is waited for after the text, how often the text is repeated, and what silence means."""

    keys: dict[Annotated[str, Field(pattern="^[0-9]$")], Choice] = Field(default_factory=dict)
    timeout_seconds: float = Field(4, gt=0)
    repeats: int = Field(1, ge=0)
    otherwise: str = "main"


class Queue(Part):
    """Waiting for an operator. Seconds; ``wrapup_seconds`` is the pause of an operator after a call, which the operator can end."""

    code: str = "main"
    max_waiting: int = Field(20, ge=0)
    max_wait_seconds: float = Field(120, gt=0)
    ring_seconds: float = Field(15, gt=0)
    wrapup_seconds: float = Field(60, ge=0)
    announce_every_seconds: float = Field(25, gt=0)
    callback_key: Annotated[str, Field(pattern="^[0-9]$")] | None = "1"


REALM: Final = "madoguchi"
"""The realm of the telephones' passwords."""


def ha1_of(user: str, password: str) -> str:
    """What the exchange keeps in the place of a telephone's password: MD5 of ``user:realm:password`` (RFC 7616, as telephones speak it)."""
    return hashlib.md5(f"{user}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()


class Phone(Part):
    """A SIP telephone: ``ha1`` by :func:`ha1_of`, and the ``operator`` who sits at it (empty: nobody).

    Calls of ``contracts`` ring there; none named means the flow's own. ``supervisor``: may be asked to take transfers.
    """

    user: str
    ha1: str = Field(pattern="^[0-9a-f]{32}$")
    operator: str = ""
    contracts: tuple[str, ...] = ()
    supervisor: bool = False


class Flow(Part):
    """What callers of one contract hear, and when. ``days`` covers a year and more; a day not in it is answered as closed.

    ``prompts`` maps a name to languages to a file in ``audio``. The first language is spoken until the menu says otherwise, and where a prompt
    is missing in the caller's language. ``digits`` maps a language to the files of 0 to 9, by which a typed number is read back.
    """

    contract: str
    version: int
    name: str
    numbers: tuple[str, ...]
    languages: tuple[str, ...] = Field(("ja",), min_length=1)
    days: dict[dt.date, Day]
    menu: Menu = Menu()
    queues: tuple[Queue, ...] = (Queue(),)
    prompts: dict[PromptName, dict[str, str]]
    digits: dict[str, Annotated[tuple[str, ...], Field(min_length=10, max_length=10)]] = Field(default_factory=dict)
    phones: tuple[Phone, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Flow:
        codes = {queue.code for queue in self.queues}
        for key, choice in self.menu.keys.items():
            if choice.queue not in codes:
                raise ValueError(f"menu.keys.{key}.queue: there is no queue {choice.queue!r}")
        if self.menu.otherwise not in codes:
            raise ValueError(f"menu.otherwise: there is no queue {self.menu.otherwise!r}")
        for name in ("greeting", "closed", "holiday", "year_end", "full", "callback", "callback_done", "connect", "hold"):
            if self.languages[0] not in self.prompts.get(name, {}):  # type: ignore[call-overload]
                raise ValueError(f"prompts.{name}: {self.languages[0]!r} is missing")
        return self

    def state_at(self, now: dt.datetime) -> State:
        """Whether callers reach the queue at ``now`` (aware), or how the contract is closed then."""
        local = now.astimezone(JST)
        return self.days.get(local.date(), Day()).state_at(f"{local:%H:%M}")

    def queue(self, code: str) -> Queue:
        """The queue of that code. Raises :class:`KeyError`."""
        for queue in self.queues:
            if queue.code == code:
                return queue
        raise KeyError(code)

    def audio(self, prompt: str, language: str) -> str | None:
        """The file of a prompt in a language, else in the first language; ``None`` where there is none."""
        files = self.prompts.get(prompt, {})  # type: ignore[call-overload]
        return files.get(language) or files.get(self.languages[0])

    def spoken(self, number: str, language: str) -> list[str]:
        """The files that read a number out in a language, else in the first one; digits only. Empty where no digits were spoken."""
        files = self.digits.get(language) or self.digits.get(self.languages[0])
        return [files[int(digit)] for digit in number] if files else []

    def files(self) -> set[str]:
        """All audio files that it names."""
        prompts = {name for by_language in self.prompts.values() for name in by_language.values()}
        return prompts | {name for names in self.digits.values() for name in names}


GOOD: Final = "flow.good.json"
"""The exchange's own copy of the last flow that it could use."""
JST = dt.timezone(dt.timedelta(hours=9), "JST")


class FlowError(ValueError):
    """A flow file that cannot be used: path, key and reason."""


def read(path: Path) -> Flow:
    """The flow in a file, with every audio file it names beside it. Raises :class:`FlowError`."""
    try:
        flow = Flow.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FlowError(f"{path}: {error}") from None
    named = {f"prompts.{prompt}.{language}": name for prompt, files in flow.prompts.items() for language, name in files.items()}
    named |= {f"digits.{language}.{digit}": name for language, files in flow.digits.items() for digit, name in enumerate(files)}
    for key, name in named.items():
        if not (path.parent / "audio" / name).is_file():
            raise FlowError(f"{path}: {key}: audio/{name} is missing")
    return flow


def write(folder: Path, flow: Flow) -> Path:
    """Put a flow in its place by a rename; its audio must be there already. Returns the path."""
    home = folder / flow.contract
    home.mkdir(parents=True, exist_ok=True)
    path, part = home / "flow.json", home / "flow.json.part"
    _put(part, flow)
    read(part)
    part.replace(path)
    return path


def keep(home: Path, flow: Flow) -> None:
    """Put a copy of a flow that can be used beside it, for a start at which its file cannot. Raises :class:`OSError`."""
    part = home / f"{GOOD}.part"
    _put(part, flow)
    part.replace(home / GOOD)


def _put(part: Path, flow: Flow) -> None:
    part.touch(mode=0o640)  # it holds the digests of the telephones' passwords
    part.write_text(json.dumps(flow.model_dump(mode="json"), ensure_ascii=False, indent=1))
