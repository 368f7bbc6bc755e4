"""What a workspace keeps: open data as Parquet, the campaign's own in SQL."""
