"""``python -m evenfield``: the command line where the folder of scripts is not on the search path."""

from evenfield.cli.app import main

if __name__ == "__main__":
    main()
