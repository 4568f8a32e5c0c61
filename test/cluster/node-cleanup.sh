#!/bin/sh
# Removes what a killed single-node cluster leaves outside its namespaces: link, cgroups, state directory.
#   node-cleanup.sh STATE LINK CGROUP
# Processes may still be dying while this runs, so it tries again for up to 20 s.
state=$1 link=$2 cgroup=$3
tries=0
while [ $tries -lt 200 ]; do
  ip link del "$link" 2>/dev/null
  find /sys/fs/cgroup -depth -type d \( -path "*/$cgroup" -o -path "*/$cgroup/*" \) -exec rmdir {} \; 2>/dev/null
  rm -rf "$state" 2>/dev/null
  [ -n "$(find /sys/fs/cgroup -maxdepth 2 -name "$cgroup")" ] || [ -e "$state" ] || exit 0
  tries=$((tries + 1))
  sleep 0.1
done
exit 1
