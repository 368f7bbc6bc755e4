"""Who may do what: roles, passwords, second factors, sessions; pure, nothing is stored here."""
