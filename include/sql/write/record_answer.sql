-- Records when a call was answered.
UPDATE ops.host_call
SET answered_at = clock_timestamp()
WHERE call_id = %(call_id)s
