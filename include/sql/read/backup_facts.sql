-- Reads what a backup states about its warehouse.
SELECT
    (SELECT k.version_num FROM public.klimatpuls_migration AS k) AS migration,
    (SELECT o.origin FROM ops.warehouse_origin AS o) AS origin,
    cp.publication_id,
    cp.as_of_date
FROM mart.current_publication AS cp
