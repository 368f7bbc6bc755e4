"""Results per polling station, one reader a layout."""
