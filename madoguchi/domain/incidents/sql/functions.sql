-- The timeline is append-only: of a line, only its words may go, when their time is over.
create or replace function incidents_keep_lines() returns trigger language plpgsql as $$
begin
    if (new.id, new.contract_id, new.incident_id, new.at, new.kind, new.by_id, new.detail)
        is distinct from (old.id, old.contract_id, old.incident_id, old.at, old.kind, old.by_id, old.detail) then
        raise exception 'the timeline of an incident is append-only' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;

create or replace trigger incidents_line_stays before update on incidents_line for each row execute function incidents_keep_lines();
