#!/bin/sh
# Removes what killed containers leave outside the node's namespaces: their control groups, and podman's directory.
#   podman-cleanup.sh DIRECTORY
# Processes may still be dying while this runs, so it tries again for up to 20 s. Groups of other podman containers stay.
directory=$1
tries=0
while [ $tries -lt 200 ]; do
  left=
  for container in "$directory"/graph/overlay-containers/*/; do
    [ -d "$container" ] || continue
    id=$(basename "$container")
    for group in /sys/fs/cgroup/libpod_parent/libpod-*"$id" /sys/fs/cgroup/*/libpod_parent/libpod-*"$id"; do
      [ -d "$group" ] || continue
      find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
      [ -d "$group" ] && left=yes
    done
  done
  if [ -z "$left" ]; then
    rm -rf "$directory" 2>/dev/null
    if [ ! -e "$directory" ]; then
      for parent in /sys/fs/cgroup/libpod_parent /sys/fs/cgroup/*/libpod_parent; do
        [ -d "$parent" ] || continue
        rmdir "$parent"/conmon "$parent" 2>/dev/null
      done
      exit 0
    fi
  fi
  tries=$((tries + 1))
  sleep 0.1
done
exit 1
