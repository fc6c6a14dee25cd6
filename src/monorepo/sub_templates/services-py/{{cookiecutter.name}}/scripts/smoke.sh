#!/bin/sh
# Prove the service in an environment of its own, from any working directory.
exec make -C "$(dirname -- "$0")/.." smoke "$@"
