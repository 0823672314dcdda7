"""Is it good? Measurements and limits to findings; may warn, blocks only what is of no use."""
