-- What no file says any more ends now; it stays readable as what was known until then.
UPDATE {rows}
SET recorded_to = %(recorded_at)s
WHERE recorded_to IS NULL AND entry_id = ANY(%(entries)s)
