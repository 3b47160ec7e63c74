-- Closes the present version of some registers.
UPDATE register.version
SET recorded_to = %(recorded_at)s
WHERE recorded_to IS NULL AND register = ANY(%(registers)s)
