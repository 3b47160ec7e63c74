INSERT INTO ops.publication_facts (publication_id, fact, facts_id)
VALUES (%(publication_id)s, %(fact)s, %(facts_id)s)
