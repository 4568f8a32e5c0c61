# Functions of the two hooks; read by them, not run. POSIX sh: the runner takes bash, and sh where there is none.
#
# A hook can never fail a job: whatever happens in it, it ends with 0. What it prints goes into the job's log, where the runner reads
# lines as commands, so nothing that a workflow's author chose gets there as it is.

# plain VALUE: on one line, without control characters, at most 200 bytes, and with no legacy command (`##[`) in it. Commands of the form
# `::name::` count at the beginning of a line only, and no value is printed there.
plain() {
  printf '%s' "$1" | LC_ALL=C tr -d '\000-\037\177' | LC_ALL=C cut -c 1-200 | sed 's/##\[/## [/g'
}

# say NAME VALUE: a line of what people look for; nothing where there is no value.
say() {
  value=$(plain "${2:-}") || value=
  [ -z "$value" ] || printf '%-10s %s\n' "$1:" "$value"
}

# metadata PATH: what ECS tells a container of itself (empty path) or of its task (/task), as JSON; nothing where nobody answers.
# Source: Amazon ECS developer guide, "Amazon ECS task metadata endpoint version 4".
metadata() {
  [ -n "${ECS_CONTAINER_METADATA_URI_V4:-}" ] || return 0
  # A link-local address: never through the job's proxy.
  curl --fail --silent --max-time 2 --noproxy '*' "$ECS_CONTAINER_METADATA_URI_V4$1" 2>/dev/null || return 0
}

# pick JSON FILTER: what jq finds in it; nothing where it finds nothing, or is not there.
pick() {
  printf '%s' "$1" | jq -r "$2" 2>/dev/null || return 0
}

# disk: what is free where the job works.
disk() {
  { df -Pk "${GITHUB_WORKSPACE:-.}" 2>/dev/null || df -Pk . 2>/dev/null; } | awk 'NR == 2 { printf "%.1f GiB free of %.1f GiB", $4 / 1048576, $2 / 1048576 }'
}

# The files in which the runner reads what a step leaves. It fails the step on a line that it cannot read.
command_files='GITHUB_ENV GITHUB_PATH GITHUB_OUTPUT GITHUB_STATE'

# time_limit: how long an extension may take. A 0 would be no limit to timeout, and so is no time here.
time_limit() {
  limit=${GETABAKO_HOOK_TIMEOUT:-60}
  case ${limit%[smhd]} in
    '' | *[!0-9.]* | *.*.*) ;;
    *[1-9]*) echo "$limit" && return ;;
  esac
  echo 60
}

# run_extension PROGRAM DIRECTORY: with files of its own in the directory for the runner's, and with SIGPIPE as programs expect it: the
# hook itself ignores it, and what is ignored is inherited.
run_extension() (
  trap - PIPE
  for name in $command_files; do
    eval "[ -z \"\${$name:-}\" ] || { : >\"\$2/$name\" && export $name=\"\$2/$name\"; }" || exit 1
  done
  exec timeout --kill-after=1 "$(time_limit)" "$1" </dev/null
)

# hand_over DIRECTORY: what an extension wrote, to the runner. It may lack the end of its last line, and the next one's would go on there.
hand_over() {
  for name in $command_files; do
    [ -s "$1/$name" ] || continue
    eval "target=\$$name"
    { cat "$1/$name" && { [ -z "$(tail -c 1 "$1/$name")" ] || echo; }; } >>"$target"
  done
}

# run_extensions DIRECTORY: every executable in it, in the order of their names, each with a minute. One that fails or hangs is named in
# the log, what it wrote for the runner is dropped, since half a line may be in it, and the job goes on.
run_extensions() {
  [ -z "${GETABAKO_HOOK_TIMEOUT:-}" ] || [ "$(time_limit)" = "$GETABAKO_HOOK_TIMEOUT" ] ||
    echo 'GETABAKO_HOOK_TIMEOUT is no time above 0; each hook has 60 seconds'
  for extension in "$1"/*; do
    [ -f "$extension" ] && [ -x "$extension" ] || continue
    own=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/hook.XXXXXX") || own=
    code=0
    if [ -n "$own" ]; then
      run_extension "$extension" "$own" || code=$?
      [ "$code" -ne 0 ] || hand_over "$own"
      rm -rf "$own"
    else
      code='no temporary directory'
    fi
    [ "$code" = 0 ] || printf 'hook %s ended with %s; the job goes on\n' "$(plain "${extension##*/}")" "$code"
  done
}
