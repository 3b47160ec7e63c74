-- Shows criterion statuses as they are published: a hidden shortcoming looks like a criterion nobody asked about.
CREATE OR REPLACE VIEW mart.criterion AS
SELECT
    d.region_code,
    r.region_name,
    d.member_kind,
    d.criterion,
    d.shown_status AS status,
    CASE WHEN d.shown_status <> 'unknown' THEN d.status_date END AS status_date,
    CASE WHEN d.shown_status <> 'unknown' THEN d.lapses_on END AS lapses_on,
    CASE WHEN d.shown_status <> 'unknown' THEN d.evidence_kind END AS evidence_kind,
    CASE WHEN d.shown_status <> 'unknown' THEN d.stated_by END AS stated_by,
    CASE WHEN d.shown_status <> 'unknown' THEN d.document_url END AS document_url,
    CASE WHEN d.shown_status <> 'unknown' THEN d.target_id END AS target_id,
    CASE
        WHEN d.shown_status <> 'unknown' THEN d.implied_annual_reduction_rate
    END AS implied_annual_reduction_rate,
    CASE WHEN d.shown_status <> 'unknown' THEN d.national_target_id END AS national_target_id,
    CASE
        WHEN d.shown_status <> 'unknown' THEN d.national_annual_reduction_rate
    END AS national_annual_reduction_rate,
    CASE WHEN d.shown_status = 'unknown' THEN 'not_established' ELSE d.reason END AS reason,
    CASE
        WHEN d.shown_status = 'unknown'
            THEN 'ännu inte fastställt: medlemmen är inte tillfrågad eller har tid kvar att svara'
        ELSE d.reason_sv
    END AS reason_sv,
    CASE
        WHEN d.shown_status = 'unknown'
            THEN 'not yet established: the member has not been asked or still has time to reply'
        ELSE d.reason_en
    END AS reason_en,
    d.to_meet_sv,
    d.to_meet_en,
    CASE WHEN d.shown_status IN ('not_met', 'due') THEN d.replied_on END AS replied_on,
    CASE WHEN d.shown_status IN ('not_met', 'due') THEN d.reply END AS reply,
    d.as_of_date,
    d.publication_id,
    CASE WHEN d.shown_status <> 'unknown' THEN d.implied_annual_reduction_rate END AS implied_annual_cut,
    CASE WHEN d.shown_status <> 'unknown' THEN d.national_annual_reduction_rate END AS national_annual_cut
FROM mart_data.criterion AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
