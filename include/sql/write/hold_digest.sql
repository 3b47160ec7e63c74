-- Leaves what this publication has to mail to the next one that can.
UPDATE ops.publication
SET digest_held = TRUE
WHERE publication_id = %(publication_id)s
