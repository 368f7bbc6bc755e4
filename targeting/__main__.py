"""`python -m targeting`."""

from targeting.cli.app import main

if __name__ == "__main__":
    main()
