"""Tables: CSV, Parquet, and what their columns mean."""
