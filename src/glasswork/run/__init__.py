"""A run: a recipe carried out, and the folder on disk that it leaves."""
