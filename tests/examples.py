"""How many examples hypothesis tries: few in the fast run, all where slow tests run too."""

from hypothesis import settings


def times(factor: float) -> settings:
    """Return the settings for so many times the examples of the profile; one at least."""
    profile = settings.default
    assert profile
    return settings(profile, max_examples=max(1, int(factor * profile.max_examples)))
