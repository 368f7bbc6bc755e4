"""Open data of a workspace as Parquet: tables, their sheets, their checksums."""
