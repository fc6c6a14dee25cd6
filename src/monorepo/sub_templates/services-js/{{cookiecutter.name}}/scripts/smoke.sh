#!/bin/sh
# Proves this service alone, in a throw-away environment; run it before a pull request.
exec make -C "$(dirname -- "$0")/.." smoke
