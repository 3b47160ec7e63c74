-- Deletes the contacts of one region: all, or those of one kind.
DELETE FROM person.contact
WHERE region_code = %(region_code)s AND kind = coalesce(%(kind)s, kind)
