"""What is promised: facts, marts, the catalogue of sources, releases, lineage."""
