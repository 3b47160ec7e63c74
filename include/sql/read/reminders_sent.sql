-- Lists for each contact the day of the newest reminder, and per matter the newest step reminded of.
SELECT
    o.region_code AS contact_region,
    o.contact_kind,
    max(max(o.as_of_date)) OVER (PARTITION BY o.region_code, o.contact_kind) AS last_mail,
    r.region_code,
    r.item_kind,
    r.item_id,
    r.due_on,
    max(r.step_on) AS step_on
FROM ops.mail_outbox AS o
INNER JOIN ops.reminder AS r ON o.outbox_id = r.outbox_id
WHERE o.kind = 'reminder'
GROUP BY o.region_code, o.contact_kind, r.region_code, r.item_kind, r.item_id, r.due_on
