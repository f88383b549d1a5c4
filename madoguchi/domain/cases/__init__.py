"""Cases: one person and one procedure at the counter, worked through by a declared flow.

Words
    flow       what is done for a procedure, in steps; a shipped file (``flows/*.toml``) until a contract has a version of its own
    version    a flow of a contract from a day on: proposed by a manager, approved by the city; a case keeps the version it began with
    step       one piece of work: who may do it, what is checked, which ways lead out of it
    way        how a step may be left: to another step, or to an end
    line       who has to act now: the counter or the city
    hand-over  a step that gives the case to the city for examination; the answer comes back in the same case
    case       one person and one procedure, from opening to an outcome
    move       one line of a case's history: who, when, from which step to which, how long; written once, never changed

Invariants
    * a flow that :func:`.rules.lint` finds fault with is neither shipped nor approved
    * what only the city may decide is a step that no contractor's role may take
    * the moves of a case are numbered without gap, by a constraint: two people cannot take the same step
    * a case says what its moves say: its step, its line, its seconds; every deed locks the row of the case first
    * no name, no number of a card and no PIN is kept here; a case points to the booking's attendee, free notes are sealed and erased
"""
