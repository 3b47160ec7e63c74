-- Of one region, all of them or the one of a kind.
DELETE FROM person.contact
WHERE region_code = %(region_code)s AND kind = coalesce(%(kind)s, kind)
