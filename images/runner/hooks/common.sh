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

# run_extensions DIRECTORY: every executable in it, in the order of their names, each with a minute. One that fails or hangs is named in
# the log, and the job goes on.
run_extensions() {
  for extension in "$1"/*; do
    [ -f "$extension" ] && [ -x "$extension" ] || continue
    code=0
    timeout --kill-after=1 "${GETABAKO_HOOK_TIMEOUT:-60}" "$extension" </dev/null || code=$?
    [ "$code" -eq 0 ] || printf 'hook %s ended with %s; the job goes on\n' "$(plain "${extension##*/}")" "$code"
  done
}
