# Which environments may be started; monorepo.sh and run.sh read this file, and set root before.
newline='
'

fail() {
  printf 'monorepo: %s\n' "$1" | command -p tr -c '[:print:]\n' '?' >&2
  exit 2
}

# Programs in these folders are executed, so a commit must not contain them.
refuse_tracked() {
  tracked=$(git -C "$root" ls-files -- ':(icase).venv' ':(icase)node_modules' \
    ':(icase,glob)*/*/*/.venv' ':(icase,glob)*/*/*/.venv/**' \
    ':(icase,glob)packages/*/.venv' ':(icase,glob)packages/*/.venv/**' \
    ':(icase,glob)*/*/*/node_modules' ':(icase,glob)*/*/*/node_modules/**' \
    ':(icase,glob)packages/*/node_modules' ':(icase,glob)packages/*/node_modules/**' ':(icase,glob)tools/**/*.pyc' 2>/dev/null </dev/null)
  [ -z "$tracked" ] || fail "${tracked%%"$newline"*}: is tracked by git, and would be started; remove it with git rm"
}

# What is installed records the environment in the folder $1: its interpreter, the hash and the file of
# its engine, and the repository if its packages are all in it. One that a commit contains, whose Python
# was replaced, or that was copied from elsewhere does not match.
is_noted() {
  noted='' engine='' main='' packages_of=''
  { read -r noted && read -r engine main && IFS= read -r packages_of; } 2>/dev/null < "$1/monorepo.python"
  [ -x "$1/bin/python" ] && [ "$noted" = "$(cd "$1/bin" 2>/dev/null && echo $(LC_ALL=C command -p ls -dLi python ../pyvenv.cfg 2>/dev/null))" ]
}
