#!/bin/sh
# PID 1 of the single-node cluster, in network, mount, PID, UTS and IPC namespaces of its own.
#   node-init.sh STATE BIN NODE_NAME NODE_IP HOST_IP
# /mnt is this node's own, in its mount namespace: the state directory, nothing of the machine's.
# Everything that this makes lives in the namespaces and is gone when this process is killed.
set -eu
state=$1 bin=$2 node_name=$3 node_ip=$4 host_ip=$5

hostname "$node_name"
mount --bind "$state" /mnt
mount --bind "$bin" /mnt/bin
mount --make-rshared /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
# Below default paths, so that all programs run with their defaults.
mkdir -p /run/containerd /var/lib/containerd /var/lib/kubelet
mount --bind /mnt/containerd /run/containerd
mount --bind /mnt/images /var/lib/containerd
mount --bind /mnt/kubelet /var/lib/kubelet

# The kubelet would set these for the whole machine: show it the values that it wants instead.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=${setting%=*}
  mkdir -p "/mnt/sysctl/${file%/*}"
  echo "${setting#*=}" >"/mnt/sysctl/$file"
  mount --bind "/mnt/sysctl/$file" "/proc/sys/$file"
done

resolv=$(readlink -m /etc/resolv.conf)
mkdir -p "${resolv%/*}"
[ -e "$resolv" ] || : >"$resolv"
mount --bind /mnt/resolv.conf "$resolv"

ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip addr add "$node_ip/30" dev eth0
ip link set eth0 up
ip route add default via "$host_ip"
echo 1 >/proc/sys/net/ipv4/ip_forward

cd /mnt
PATH=/mnt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# Keeps a component running: tests kill them.
run() {
  (
    set +e
    while :; do
      sh "component/$1" >>"log/$1.log" 2>&1 </dev/null &
      echo $! >"pid/$1"
      wait $!
      echo "$(date +%T) $1 exited: $?"
      sleep 0.5
    done
  ) &
}

run containerd
run etcd
run kube-apiserver
# Whoever started this looks at /readyz from outside and then makes the file.
until [ -e api-ready ]; do sleep 0.05; done
run kube-controller-manager
run kube-scheduler
run kubelet
run kube-proxy
run coredns
# Also collects the orphans of the PID namespace.
wait
