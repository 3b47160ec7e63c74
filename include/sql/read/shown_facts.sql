-- Reads the facts id under which a publication shows each fact.
SELECT
    fact,
    facts_id
FROM ops.publication_facts
WHERE publication_id = %(publication_id)s
