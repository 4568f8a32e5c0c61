#!/bin/sh
# Runs as the step "Complete runner" of every job: runs what derived images put into job-completed.d, then says what the job left of its
# task. The runner leaves it out when the task is stopped, so nothing that has to happen belongs here.
trap 'exit 0' EXIT
trap '' PIPE
set +e
hooks=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ -r "$hooks/common.sh" ] || exit 0
. "$hooks/common.sh"

run_extensions "$hooks/job-completed.d"

say runner "${RUNNER_NAME:-}"
# The most that the container used at once, where the kernel says (cgroup v2): near the task's size, the next job may be killed.
peak=$(cat "${GETABAKO_CGROUP:-/sys/fs/cgroup}/memory.peak" 2>/dev/null)
case $peak in
  '' | *[!0-9]*) ;;
  *)
    size=$(pick "$(metadata /task)" '.Limits.Memory // empty')
    say memory "$((peak / 1048576)) MiB at most${size:+, of $size MiB}"
    ;;
esac
say disk "$(disk)"
exit 0
