-- Numbers an approved release among those of the same series, publisher's date and day of knowledge.
-- The later approval corrects the earlier one, unless the person said that the approved release is the older one.
UPDATE core.dim_release
SET approval_number = %(approval_number)s
WHERE release_id = %(release_id)s
