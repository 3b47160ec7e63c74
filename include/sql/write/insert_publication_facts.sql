-- Records which rows of a fact a publication shows.
INSERT INTO ops.publication_facts (publication_id, fact, facts_id)
VALUES (%(publication_id)s, %(fact)s, %(facts_id)s)
