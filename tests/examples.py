"""How many examples hypothesis tries: few in the fast run, all where slow tests run too.

And a day that an exception may last until.
"""

import datetime

from hypothesis import settings

# An exception ends in a year at most.
UNTIL = datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=90)


def times(factor: float) -> settings:
    """Return the settings for so many times the examples of the profile; one at least."""
    profile = settings.default
    assert profile
    return settings(profile, max_examples=max(1, int(factor * profile.max_examples)))
