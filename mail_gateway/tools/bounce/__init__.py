"""Recognises bounces. Start reading at nonstandard.py."""
