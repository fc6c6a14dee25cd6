"""Text in, facts out: languages, formats and command lines. Nothing here knows a repository."""
