SELECT ops.drop_facts_partition(%(fact)s, %(facts_id)s)
