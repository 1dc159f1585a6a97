"""A whole site in one readable file: read, compared with what is registered, applied, written."""
