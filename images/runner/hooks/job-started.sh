#!/bin/sh
# Runs as the step "Set up runner" of every job: says where the job runs, then runs what derived images put into job-started.d.
trap 'exit 0' EXIT
trap '' PIPE
set +e
hooks=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ -r "$hooks/common.sh" ] || exit 0
. "$hooks/common.sh"

say runner "${RUNNER_NAME:-}"
say job "${GITHUB_REPOSITORY:-?}: ${GITHUB_JOB:-?} of ${GITHUB_WORKFLOW:-?} (run ${GITHUB_RUN_ID:-?}, attempt ${GITHUB_RUN_ATTEMPT:-?})"
task=$(metadata /task)
say task "$(pick "$task" '.TaskARN // empty')"
say capacity "$(pick "$task" '[.LaunchType // empty, .AvailabilityZone // empty] | join(", ")')"
say size "$(pick "$task" '.Limits // {} | [(.CPU // empty | "\(.) vCPU"), (.Memory // empty | "\(.) MiB memory")] | join(", ")')"
say image "$(pick "$(metadata '')" '.Image // empty')"
say disk "$(disk)"

run_extensions "$hooks/job-started.d"
exit 0
