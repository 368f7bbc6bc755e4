"""`python -m targeting`."""

from targeting.cli import main

if __name__ == "__main__":
    main()
