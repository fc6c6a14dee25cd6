"""The handlers that service.edn names, as their sources have them."""
