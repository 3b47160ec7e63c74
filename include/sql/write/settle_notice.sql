-- Records what became of a notice to the operator.
UPDATE ops.operator_notice
SET state = %(state)s, detail = %(detail)s, told_at = %(now)s
WHERE notice_key = %(notice_key)s
