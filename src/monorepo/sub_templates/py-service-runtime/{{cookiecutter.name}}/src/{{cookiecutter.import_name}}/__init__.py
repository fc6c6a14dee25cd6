"""What every service has in common; the web server itself is in the submodule `fastapi`.

That submodule needs the extra of its name, so it is not imported here: settings and logging work
in programs that serve nothing.
"""

from .logs import JsonFormatter, configure_logging
from .settings import Settings, SettingsError

__all__ = ["JsonFormatter", "Settings", "SettingsError", "configure_logging"]
