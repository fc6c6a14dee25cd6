#!/bin/sh
# Tests this service alone, in a temporary environment; run it before a pull request.
exec make -C "$(dirname -- "$0")/.." smoke
