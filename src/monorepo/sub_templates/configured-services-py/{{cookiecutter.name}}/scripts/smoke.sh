#!/bin/sh
# Tests this service alone, in a temporary environment, from any working directory.
exec make -C "$(dirname -- "$0")/.." smoke "$@"
