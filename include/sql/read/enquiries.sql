-- Lists what members were asked and when they replied, as of the publication's registers.
SELECT
    region_code,
    criterion,
    asked_on,
    told_on,
    replied_on,
    reply
FROM register.enquiry
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY region_code, criterion, asked_on
