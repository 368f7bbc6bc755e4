"""Work that outlives the page which asked for it: files looked at, imported, fetched, undone."""
