-- Records what a poll had seen when the dataset was fetched.
UPDATE ops.look
SET fetched_fingerprint = %(fingerprint)s
WHERE dataset = %(dataset)s AND substance = %(substance)s
