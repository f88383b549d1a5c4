"""Billing: invoices to the city, and the ledger of the money spent under a contract.

Words
    charge       a line of the fee as agreed in the profile (``[payment]``): by month, by quarter, by day worked, a part payment, the final one
    period       what one invoice is for: a month, a quarter, or for the final payment the rest of the term
    day worked   a day on which the place of a charge was open; what a day cut short counts for is the contract's word
    invoice      a 適格請求書: lines, and tax once per rate; drafted, issued under a number, received, paid; or withdrawn
    correction   another invoice for the period of one that was withdrawn; it names the one it corrects
    overdue      the last day to pay has gone by
    expenditure  one line of the ledger: money spent, with its evidence; corrected by a reversal, never changed

Invariants
    * money is whole yen, rates are decimals, and tax is rounded once per invoice and rate (消費税法 article 57-4)
    * a period has one invoice that counts (constraint, raced)
    * numbers of a contract run 1, 2, 3 … in the order of issue, without gaps (constraint, raced); a draft has none
    * an issued invoice never changes: what it says is kept whole with its SHA-256, and the database refuses to change it
    * part payments and the final one add up to the contract's sum, because the final one is what is left
    * lines of the ledger are only added; both are kept until five fiscal years after the one in which the contract ends
    * locks are taken in the order contract → invoice → audit lane
"""
