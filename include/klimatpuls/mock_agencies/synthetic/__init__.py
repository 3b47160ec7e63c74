"""What a synthetic archive holds beside emissions and population, one module per agency."""
