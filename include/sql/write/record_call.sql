-- Records a call of a host, and deletes the calls of earlier days: no window and no summary goes back that far.
WITH forgotten AS (
    DELETE FROM ops.host_call
    WHERE host = %(host)s AND called_at < now() - INTERVAL '7 days'
)

INSERT INTO ops.host_call (host) VALUES (%(host)s)
RETURNING call_id
