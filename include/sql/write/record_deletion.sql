-- That contacts were deleted, and nothing of what they were.
INSERT INTO person.deletion (region_code, contact_count, reason)
VALUES (%(region_code)s, %(contact_count)s, %(reason)s)
