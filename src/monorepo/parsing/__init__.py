"""Parsers of languages, formats and command lines. They take text and know no repository."""
