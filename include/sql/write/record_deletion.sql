-- Records that contacts were deleted, and nothing of their content.
INSERT INTO person.deletion (region_code, contact_count, reason)
VALUES (%(region_code)s, %(contact_count)s, %(reason)s)
