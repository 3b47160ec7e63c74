-- A publication's rows of a fact are keyed and attached when they are all there (ops.attach_facts_partition).
DROP FUNCTION IF EXISTS ops.analyze_facts_partition(text, bigint);
