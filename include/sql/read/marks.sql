-- Reads the marks from which a later summary counts: newest run, publication and the time.
SELECT
    coalesce((SELECT max(r.run_id) FROM ops.source_run AS r), 0) AS run_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id,
    clock_timestamp() AS moment
