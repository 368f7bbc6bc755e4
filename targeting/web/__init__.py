"""What stands around the pages: the server's routes and headers, the screens' list, their words."""
