"""One process or many: who starts them, stands in for those that die, and ends them."""
