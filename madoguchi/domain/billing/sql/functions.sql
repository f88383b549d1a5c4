-- What was issued stays: an invoice with a number keeps what it says, and a line of the ledger is never changed.
create or replace function billing_keep() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'billing_expenditure' then
        raise exception 'the ledger is append-only: a line is never changed' using errcode = 'integrity_constraint_violation';
    end if;
    if old.number is not null and (
        (new.number, new.part, new.first, new.last, new.prices, new.net, new.tax, new.total, new.issued_on, new.content, new.sha256)
        is distinct from
        (old.number, old.part, old.first, old.last, old.prices, old.net, old.tax, old.total, old.issued_on, old.content, old.sha256)
    ) then
        raise exception 'an issued invoice never changes' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;

create or replace trigger billing_invoice_stays before update on billing_invoice for each row execute function billing_keep();
create or replace trigger billing_expenditure_stays before update on billing_expenditure for each row execute function billing_keep();
