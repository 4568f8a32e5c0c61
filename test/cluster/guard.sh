#!/bin/sh
# Runs a command that must not outlive the program that asked for it.
#   guard.sh LOG CMD ARG...   stdin: a pipe that nobody writes to, its other end held by that program; stdout: the pid of CMD, one line
# The kernel closes the pipe however the program ends, SIGKILL included; CMD is then killed. Portable, unlike setpriv --pdeathsig.
log=$1
shift
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
child=$!
echo "$child"
exec >/dev/null
{ read -r _ <&3; kill -KILL "$child"; } 2>/dev/null &
watcher=$!
wait "$child"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
