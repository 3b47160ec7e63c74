-- Reads the four criteria of every member and applicant as shown outside, with the member's reply.
SELECT
    c.region_code,
    c.criterion,
    c.status,
    c.evidence_kind,
    c.reason_sv,
    c.reason_en,
    c.to_meet_sv,
    c.to_meet_en,
    c.reply,
    c.publication_id
FROM mart.criterion AS c
ORDER BY c.region_code, array_position(ARRAY['inventory', 'targets', 'action_plan', 'informing'], c.criterion);
