"""Reads charsets and encoded words, and makes text for the database. Start reading at charsets.py."""
