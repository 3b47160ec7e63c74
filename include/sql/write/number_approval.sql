-- The place of an approved release among those of the same series, publisher's date and day of knowledge: the later
-- approval corrects, unless the person said that the approved release is the older one.
UPDATE core.dim_release
SET approval_number = %(approval_number)s
WHERE release_id = %(release_id)s
