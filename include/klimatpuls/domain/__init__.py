"""What the field knows: regions, sectors, substances, units, key figures, defects."""
