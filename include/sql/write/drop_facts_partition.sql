-- Drops one partition of current facts, if nobody reads it.
SELECT ops.drop_facts_partition(%(fact)s, %(facts_id)s)
