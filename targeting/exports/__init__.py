"""One writer a format; cells made safe in one place; every file carries its credits."""
