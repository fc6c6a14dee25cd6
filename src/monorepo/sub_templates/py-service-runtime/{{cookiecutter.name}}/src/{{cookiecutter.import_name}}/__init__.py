"""What every service has in common; each submodule that needs an extra has the name of it.

Such a submodule is not imported here: settings and logging work in programs that serve nothing.
"""

from .logs import JsonFormatter, configure_logging
from .settings import Address, Settings, SettingsError

__all__ = ["Address", "JsonFormatter", "Settings", "SettingsError", "configure_logging"]
