"""How pixels are crunched: arrays in, arrays out, numba and nothing else. Importing this alone loads no numba."""
