"""Which procedure is yours: questions whose options lead to other questions or to an outcome."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..enums import Situation, Who


@dataclass(frozen=True)
class Question:
    """``options``: (option code, node it leads to), in order."""

    code: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Outcome:
    """``procedures`` in order of preference; ``elsewhere``: key of the text that says where to go instead."""

    code: str
    procedures: tuple[str, ...] = ()
    situations: tuple[Situation, ...] = ()
    who: Who | None = None
    first: tuple[str, ...] = ()
    elsewhere: str = ""

    def procedure(self, offered: Collection[str]) -> str:
        """The first procedure that is offered; empty when none is: then the page says to call."""
        return next((code for code in self.procedures if code in offered), "")


@dataclass(frozen=True)
class Tree:
    """All questions and outcomes. Raises ``ValueError`` with every dead end, loop and orphan."""

    start: str
    questions: Mapping[str, Question]
    outcomes: Mapping[str, Outcome]

    def __post_init__(self) -> None:
        problems = [
            f"question.{q.code}: option {option!r} leads to {node!r}, which is neither question nor outcome"
            for q in self.questions.values()
            for option, node in q.options
            if node not in self.questions and node not in self.outcomes
        ]
        if self.start not in self.questions:
            problems.append(f"start: {self.start!r} is no question")
        problems += [
            f"outcome.{o.code}: needs procedures or elsewhere, and not both"
            for o in self.outcomes.values()
            if bool(o.procedures) == bool(o.elsewhere)
        ]
        both = set(self.questions) & set(self.outcomes)
        problems += [f"{code}: is a question and an outcome" for code in sorted(both)]
        if not problems:
            reached, path = set(), [(self.start, frozenset[str]())]
            while path:
                node, above = path.pop()
                reached.add(node)
                if node in above:
                    problems.append(f"question.{node}: leads to itself")
                elif node in self.questions:
                    path += [(to, above | {node}) for _option, to in self.questions[node].options]
            problems += [
                f"{code}: nothing leads to it" for code in sorted((set(self.questions) | set(self.outcomes)) - reached)
            ]
        if problems:
            raise ValueError("\n".join(problems))
