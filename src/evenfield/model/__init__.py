"""What things are: frozen values. Standard library, numpy types and msgspec only."""
