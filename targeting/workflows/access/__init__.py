"""The door and the team: logging in, sessions, accounts, what was done."""
