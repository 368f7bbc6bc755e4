"""One measure a function: tables in, a Series or a table out. No file, no clock, no network."""
