"""What the tools of a language read, generated from `package.edn` and `service.edn`."""
