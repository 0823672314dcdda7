"""Reports, plans and surveys as text and JSON; how a finished master was made, from its header."""
