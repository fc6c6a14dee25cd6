"""The rule engine: the repository, findings, exceptions, the baseline and reports."""
