"""Level 6: what is wrong with a network, told from its factors."""
