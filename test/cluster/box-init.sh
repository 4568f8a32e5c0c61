#!/bin/sh
# PID 1 of a box: network, mount, PID, UTS and IPC namespaces of their own, with one way to the machine.
#   box-init.sh NODE_IP HOST_IP
# What runs in here - mounts, bridges, iptables rules, address leases, processes - is gone when this process is killed.
set -eu
node_ip=$1 host_ip=$2

mount --make-rprivate /
mount -t tmpfs tmpfs /run
# Address leases of containers are written below it.
mount -t tmpfs tmpfs /var/lib

ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip addr add "$node_ip/30" dev eth0
ip link set eth0 up
ip route add default via "$host_ip"
# For containers on a bridge in here; nobody outside has a route to them.
echo 1 >/proc/sys/net/ipv4/ip_forward

# Also collects the orphans of the PID namespace.
while :; do
  sleep 3600 &
  wait $!
done
