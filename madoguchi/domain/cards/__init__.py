"""Cards: the physical cards that the maker has sent to the city, from arrival to hand-over or destruction.

Words
    card        one physical card, known by the number that the city prints on its label (管理番号); never by an individual number
    state       what has been done with it (``enums.State``)
    place       where it lies: a slot of a box of a cabinet, the working tray, the pick-up tray, nobody knows, gone
    move        one thing that happened to a card: who, when, from which state and place to which; never changed
    batch       the pre-delivery setups of a day with a target; worked through by scanner, each checked by a second person
    disposal    a card that one person proposes to destroy and another approves
    stock-take  what lies in a cabinet, counted by scanner, compared with what the record says
    pick        fetching the cards of a day's reservations before the doors open

Invariants
    * a card is at exactly one place, a slot holds at most one card: both by the database (decision 0014)
    * every change of a card is a move; the moves of a card are numbered without gap and form one line
    * who checks a setup has not done it, who decides a disposal has not proposed it: both by the database
    * a card leaves the stock only as issued, returned or destroyed; a card that cannot be found stays in the stock as such
    * reading and birth date are there only where the contract wants them, sealed, and go some days after the card has gone
"""
