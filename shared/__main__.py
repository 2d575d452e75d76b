"""python -m shared: the twotrack command."""

from shared.cli import main

if __name__ == "__main__":
    main()
