-- Reads what members and applicants can be reminded of; for the mailer only.
SELECT
    region_code,
    kind,
    item_id,
    title_sv,
    title_en,
    due_on
FROM secretariat.reminder_item
ORDER BY region_code, due_on, kind, item_id
