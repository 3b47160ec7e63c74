SELECT
    region_code,
    sector_code,
    year
FROM register.known_defect
WHERE substance = %(substance)s
ORDER BY region_code, sector_code, year
