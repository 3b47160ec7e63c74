-- Records what a reminder is about.
INSERT INTO ops.reminder (outbox_id, region_code, item_kind, item_id, due_on, step_on)
VALUES %s
