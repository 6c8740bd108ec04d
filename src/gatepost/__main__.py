"""`python -m gatepost` runs the command line."""

from gatepost.cli import main

main()
