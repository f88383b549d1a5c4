\set s random(1, :slots)
BEGIN;
UPDATE slot SET booked = booked + 1 WHERE id = :s AND booked < capacity;
INSERT INTO booking(slot_id, code, name) VALUES (:s, 'ABCD-EFGH', 'Yamada Taro');
COMMIT;
