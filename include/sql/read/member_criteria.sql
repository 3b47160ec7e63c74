-- Reads the four criteria of one member or applicant, as they are known inside.
SELECT
    c.criterion,
    c.status,
    c.shown_status AS shown_outside,
    nullif(c.reason_en, c.records_reason_en) AS because,
    c.records_reason_en AS the_registers_say,
    c.lapses_on,
    c.reply_until,
    c.to_meet_en AS what_would_make_it_met
FROM secretariat.criterion AS c
WHERE c.region_code = %(region_code)s
ORDER BY array_position(ARRAY['inventory', 'targets', 'action_plan', 'informing'], c.criterion)
