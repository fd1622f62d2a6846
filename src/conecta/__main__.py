"""`python -m conecta` is the `conecta` command."""

from conecta.cli import main

main()
