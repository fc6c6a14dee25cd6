#!/bin/sh
# Runs the engine that is installed in the root's environment or, until that is ready, the wheel with
# PYTHON. The choice is made when a command runs, because Make reads its files before .venv exists.
case $0 in */tools/make/monorepo.sh) root=${0%/tools/make/monorepo.sh} ;; *) root=. ;; esac
venv=$root/.venv
python=$venv/bin/python

newline='
'
# A module path of the shell or the caller must not apply.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV

fail() {
  printf 'monorepo: %s\n' "$1" | command -p tr -c '[:print:]\n' '?' >&2
  exit 2
}

# Programs in these folders are executed, so a commit must not contain them.
tracked=$(git -C "$root" ls-files -- ':(icase).venv' ':(icase)node_modules' \
  ':(icase,glob)*/*/*/.venv' ':(icase,glob)*/*/*/.venv/**' \
  ':(icase,glob)*/*/*/node_modules' ':(icase,glob)*/*/*/node_modules/**' ':(icase,glob)tools/**/*.pyc' 2>/dev/null </dev/null)
[ -z "$tracked" ] || fail "${tracked%%"$newline"*}: is tracked by git, and would be started; remove it with git rm"

# `make setup` records the environment and the hash of its engine. One that a commit contains, whose
# Python was replaced, or that was copied from elsewhere does not match, and is not used.
now=$(cd "$venv/bin" 2>/dev/null && echo $(LC_ALL=C command -p ls -dLi python ../pyvenv.cfg 2>/dev/null))
wheel=$root/tools/make/engine.py main=$wheel
{ read -r noted && read -r engine installed; } 2>/dev/null < "$venv/monorepo.python"
while read -r word; do
  [ "$word" != "--hash=sha256:$engine" ] || main=$root/$installed
done 2>/dev/null < "$root/tools/requirements.txt"
[ -f "$main" ] || main=$wheel
if [ "$now" != "$noted" ] || [ ! -x "$python" ]; then
  python=${PYTHON:-python3} main=$wheel
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
exec "$python" -I -S -X utf8 "$main" --root "$root" "$@"
