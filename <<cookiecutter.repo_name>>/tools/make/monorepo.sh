#!/bin/sh
# Runs the engine that is installed in the root's environment or, until that is ready, the wheel with
# PYTHON. The choice is made when a command runs, because Make reads its files before .venv exists.
case $0 in */tools/make/monorepo.sh) root=${0%/tools/make/monorepo.sh} ;; *) root=. ;; esac
. "$root/tools/make/environment.sh"

# A module path of the shell or the caller must not apply.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV

refuse_tracked
python=$root/.venv/bin/python wheel=$root/tools/make/engine.py
start=$wheel
if is_noted "$root/.venv"; then
  while read -r word; do
    [ "$word" != "--hash=sha256:$engine" ] || start=$root/$main
  done 2>/dev/null < "$root/tools/requirements.txt"
  [ -f "$start" ] || start=$wheel
else
  python=${PYTHON:-python3}
  command -v -- "$python" >/dev/null || fail "PYTHON: $python: is not there; give PYTHON=python3.11 or newer"
  # This has to run on any version of Python.
  version=$("$python" -E -S -c 'import sys; sys.stdout.write("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null)
  case $version in
    3.1[1-9] | 3.[2-9][0-9]) ;;
    [0-9].[0-9]*) fail "PYTHON: $python: is older than 3.11; give PYTHON=python3.11 or newer" ;;
    *) fail "PYTHON: $python: is no Python that starts; give PYTHON=python3.11 or newer" ;;
  esac
fi
# -I: import no module from the current folder, which is not trusted. -S: nor from sources of packages,
# which .pth files of the environment add.
exec "$python" -I -S -X utf8 "$start" --root "$root" "$@"
