-- Reads the rows of a release as they were read from the publisher's file.
SELECT
    sheet_row,
    source_values
FROM mart.source_row(%(fact)s, %(release_id)s, %(region_code)s)
