"""A replica of the agencies: an archive folder, answered over HTTP in their own wire formats."""
