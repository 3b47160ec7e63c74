-- Shows every criterion status as it is known inside, with what records say and until when the member may reply.
CREATE OR REPLACE VIEW secretariat.criterion AS
SELECT
    d.region_code,
    r.region_name,
    d.member_kind,
    d.criterion,
    d.status,
    d.shown_status,
    d.status_date,
    d.lapses_on,
    d.evidence_kind,
    d.stated_by,
    d.document_url,
    d.target_id,
    d.implied_annual_reduction_rate,
    d.national_target_id,
    d.national_annual_reduction_rate,
    d.reason,
    d.reason_sv,
    d.reason_en,
    d.records_reason,
    d.records_reason_sv,
    d.records_reason_en,
    d.to_meet_sv,
    d.to_meet_en,
    d.asked_on,
    d.told_on,
    d.reply_until,
    d.replied_on,
    d.reply,
    d.as_of_date,
    d.publication_id,
    d.implied_annual_reduction_rate AS implied_annual_cut,
    d.national_annual_reduction_rate AS national_annual_cut
FROM mart_data.criterion AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
