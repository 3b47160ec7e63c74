-- Shares the facts of another publication.
INSERT INTO ops.publication_facts (publication_id, fact, facts_id)
SELECT
    %(publication_id)s AS publication_id,
    pf.fact,
    pf.facts_id
FROM ops.publication_facts AS pf
WHERE pf.publication_id = %(previous_publication_id)s
