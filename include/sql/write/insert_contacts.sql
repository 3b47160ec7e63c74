-- Inserts contacts of members.
INSERT INTO person.contact (region_code, kind, role, address)
VALUES %s
