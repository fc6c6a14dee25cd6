# What ./run does; it reads this file, and sets root before.
. "$root/tools/make/environment.sh"

is_package() {
  [ -e "$root/$1/pyproject.toml" ] || [ -e "$root/$1/package.json" ]
}

# Sets package to the path of the package that the folder $1 is in, if there is one.
find_package() {
  folder=$(CDPATH='' cd -P -- "$1" 2>/dev/null && pwd -P)
  path=${folder#"$root"/}
  case $folder in
    "$root"/packages/*) below=${path#*/*/} ;;
    "$root"/*/*/*) below=${path#*/*/*/} ;;
    *) return ;;
  esac
  [ "$below" = "$path" ] || path=${path%"/$below"}
  ! is_package "$path" || package=$path
}

# Whether the environment, which setup or install made, is complete.
is_ready() {
  is_noted "$venv" && [ "$packages_of" = "$root" ] && [ -e "$venv/monorepo.json" ] || return
  [ -z "$node" ] || { [ -x "$node" ] && [ -e "$root/node_modules/monorepo.json" ]; }
}

package='' given=''
case ${1-} in
  -h | --help)
    sed -n 's/^# \{0,1\}//p; /^file=/q' "$root/run" | sed 1d
    exit ;;
  --package) package=${2-} given=2 ;;
  --package=*) package=${1#*=} given=1 ;;
esac
if [ "$given" ]; then
  package=${package%/}
  { [ "$package" ] && is_package "$package"; } || fail "run: --package: ${package:-nothing} is not a package here; make list shows them"
  shift "$given"
fi
[ "${1-}" != -- ] || shift
[ $# -gt 0 ] || fail "run: nothing to run; give a script, -m and a module, or a program (--help shows examples)"

node=''
case $1 in *.[jt]s | *.[cm][jt]s) node=$root/.venv/bin/node ;; esac
if [ -z "$package" ]; then
  find_package .
  case $1 in
    -m)
      for folder in "$root"/*/*/*/src/"${2%%.*}" "$root"/packages/*/src/"${2%%.*}"; do
        [ ! -d "$folder" ] || find_package "$folder"
      done ;;
    -*) ;;
    */*) package='' && find_package "${1%/*}/" ;;
  esac
fi
venv=$root/.venv verb=install
if [ -e "$root/$package/pyproject.toml" ] && [ -z "$node" ]; then
  case $(sed -n 's/^python-env = "\(.*\)"/\1/p' "$root/pyproject.toml") in
    shared) ;;
    # The root's environment has the tools alone.
    *) [ "$package" ] && venv=$root/$package/.venv || verb=setup ;;
  esac
fi

refuse_tracked
if ! is_ready; then
  PKG='' sh "$root/tools/make/monorepo.sh" "$verb" ${package:+"$package"} </dev/null >&2
  code=$?
  # What fails elsewhere in the repository does not concern this environment.
  is_ready || [ $code -eq 0 ] || exit $code
fi

export VIRTUAL_ENV="$venv" PATH="$venv/bin:$root/.venv/bin:$root/node_modules/.bin:$PATH"
[ ! -e "$root/$package/package.json" ] || PATH=$root/$package/node_modules/.bin:$PATH
# It would lead Python away from the environment.
unset PYTHONHOME
if [ "$node" ]; then
  [ -x "$node" ] || fail "$1: needs Node, which is for repositories with JavaScript packages"
  exec "$node" --conditions=source "$@"
fi
case $1 in -* | *.py) exec "$venv/bin/python" "$@" ;; esac
command -v -- "$1" >/dev/null || fail "$1: is not installed in ${venv#"$root/"}; declare it, or correct the name"
exec "$@"
