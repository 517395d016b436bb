"""Charsets, encoded words, and text for the database. Start reading at charsets.py."""
