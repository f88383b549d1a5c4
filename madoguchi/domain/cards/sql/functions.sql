-- Moves of cards are written once. Only their sealed words may go, when the time to keep them is over.
create or replace function cards_move_stays() returns trigger language plpgsql as $$
declare
  v_rest cards_move := old;
begin
  v_rest.words := null;
  if tg_op = 'UPDATE' and new is not distinct from v_rest then
    return new;
  end if;
  raise exception 'moves of cards are append-only (% on %)', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

create or replace trigger cards_move_append_only before update or delete on cards_move
  for each row execute function cards_move_stays();
