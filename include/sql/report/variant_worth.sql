-- Reads what a count of method variants is worth, on the national line for local use.
SELECT
    independent_n,
    variants_n,
    publication_id
FROM mart.variant_worth
WHERE target_id = 'national_2030_55';
