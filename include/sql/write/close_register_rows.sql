-- Closes register rows that no file states any more; they stay readable as what was known until then.
UPDATE {rows}
SET recorded_to = %(recorded_at)s
WHERE recorded_to IS NULL AND entry_id = ANY(%(entries)s)
