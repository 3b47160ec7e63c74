-- Shows grants in a member's or applicant's municipality whose case number no measure of the register names.
-- Only the case number links the two: a similar title is no link.
CREATE OR REPLACE VIEW mart.grant_offer AS
SELECT
    g.case_number,
    d.region_code,
    r.region_name,
    d.member_kind,
    g.organisation_name,
    g.organisation_withheld,
    g.title,
    g.category,
    g.amount_sek,
    g.decided_on,
    g.ends_on,
    g.status,
    g.release_id,
    d.publication_id
FROM mart_data.member_overview AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
INNER JOIN mart_data."grant" AS g ON d.region_code = g.region_code
WHERE
    d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
    AND g.facts_id = (
        SELECT pf.facts_id
        FROM ops.publication_facts AS pf
        WHERE
            pf.fact = 'grant'
            AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
    )
    AND NOT EXISTS (
        SELECT 1
        FROM register.measure AS m
        WHERE
            m.klimatklivet_case = g.case_number
            AND m.recorded_from
            <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
            AND (
                m.recorded_to IS NULL
                OR m.recorded_to
                > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
            )
    );
