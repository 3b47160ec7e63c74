SELECT
    region_code,
    joined_on,
    left_on,
    confirmed,
    is_applicant
FROM register.member
ORDER BY region_code
