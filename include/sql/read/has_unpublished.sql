-- Tells whether there is something to publish.
-- That is so when releases, registers or method differ from the present publication, or one of its result tables could
-- not be calculated and the code has changed since.
SELECT
    EXISTS (
        SELECT 1
        FROM core.dim_release AS d
        LEFT JOIN ops.publication_release AS pr
            ON
                d.release_id = pr.release_id
                AND pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        WHERE (d.state IN ('published', 'validated')) <> (pr.release_id IS NOT NULL)
    )
    OR (
        EXISTS (
            SELECT 1 FROM core.dim_release AS d
            WHERE d.state = 'published'
        )
        AND coalesce(
            (
                SELECT p.register_sha256
                FROM mart.current_publication AS cp
                INNER JOIN ops.publication AS p ON cp.publication_id = p.publication_id
            ),
            ''
        ) <> (
            SELECT
                coalesce(
                    encode(
                        sha256(string_agg(v.register || '=' || v.sha256, ';' ORDER BY v.register)::bytea), 'hex'
                    ),
                    ''
                )
            FROM register.version AS v
            WHERE v.recorded_to IS NULL
        )
    )
    OR EXISTS (
        SELECT 1
        FROM mart.current_publication AS cp
        INNER JOIN ops.publication AS p ON cp.publication_id = p.publication_id
        WHERE p.method_version <> %(method_version)s
    )
    OR EXISTS (
        SELECT 1
        FROM mart.current_publication AS cp
        INNER JOIN ops.publication AS p ON cp.publication_id = p.publication_id
        INNER JOIN mart_data.result_status AS s ON cp.publication_id = s.publication_id AND s.status <> 'fresh'
        WHERE coalesce(p.code_sha256, '') <> %(code_sha256)s
    )
