#!/bin/sh
# Runs the engine: as it is installed in the root's environment, or from its wheel, on PYTHON, while that
# is not ready. The choice is made here, when a command runs: Make reads its files before .venv is made.
case $0 in */tools/make/monorepo.sh) root=${0%/tools/make/monorepo.sh} ;; *) root=. ;; esac
venv=$root/.venv
python=$venv/bin/python

newline='
'
# Modules are found where this repository has them, not where a shell or a caller says.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV

fail() {
  printf 'monorepo: %s\n' "$1" | command -p tr -c '[:print:]\n' '?' >&2
  exit 2
}

# What a commit brings into these folders would be started, by this and by most tasks.
tracked=$(git -C "$root" ls-files -- ':(icase).venv' ':(icase)node_modules' \
  ':(icase,glob)*/*/*/.venv' ':(icase,glob)*/*/*/.venv/**' \
  ':(icase,glob)*/*/*/node_modules' ':(icase,glob)*/*/*/node_modules/**' ':(icase,glob)tools/**/*.pyc' 2>/dev/null </dev/null)
[ -z "$tracked" ] || fail "${tracked%%"$newline"*}: is tracked by git, and would be started; remove it with git rm"

# An environment that a commit brought, whose Python was replaced, or that comes from elsewhere is not
# noted by `make setup`: nothing of it is started. The engine in it is noted by the hash of its wheel.
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
  # Any Python runs this, however old it is.
  version=$("$python" -E -S -c 'import sys; sys.stdout.write("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null)
  case $version in
    3.1[1-9] | 3.[2-9][0-9]) ;;
    [0-9].[0-9]*) fail "PYTHON: $python: is older than 3.11; give PYTHON=python3.11 or newer" ;;
    *) fail "PYTHON: $python: is no Python that starts; give PYTHON=python3.11 or newer" ;;
  esac
fi
# -I: no module comes from the folder that this is run in, which may be anybody's. -S: nor from the
# sources of packages, where .pth files of the environment lead.
exec "$python" -I -S -X utf8 "$main" --root "$root" "$@"
