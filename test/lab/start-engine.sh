#!/bin/bash
# Starts an unpacked Docker Engine in mount and network namespaces of its own; called by engines.ts, which says by
# environment: ROOT (its file system), RUN (socket, pid file, log), DATA, N (number of its networks), FLAGS.
#
# The namespaces are what keeps it from rebuilding the iptables chains and bridges of another engine on this machine.
set -euo pipefail
namespace=swapctl-$N
link=swapctl-$N

undo() {
  local status=$?
  [ $status = 0 ] && return
  ip netns del "$namespace" 2>/dev/null || true
  ip link del "$link" 2>/dev/null || true
  exit $status
}
trap undo EXIT

ip netns add "$namespace"
ip link add "$link" type veth peer name eth0 netns "$namespace"
ip addr add "10.231.$N.1/24" dev "$link"
ip link set "$link" up
ip -n "$namespace" addr add "10.231.$N.2/24" dev eth0
ip -n "$namespace" link set lo up
ip -n "$namespace" link set eth0 up
ip -n "$namespace" route add default via "10.231.$N.1"

# No way out, on purpose: the name of an image that nobody has fails at once and not after a resolver's time-out.
echo 'nameserver 127.0.0.1' > "$ROOT/etc/resolv.conf"
cp -L /etc/hosts "$ROOT/etc/hosts"

in_namespace() {
  mount --bind "$ROOT" "$ROOT"
  cd "$ROOT"
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount --rbind /sys/fs/cgroup sys/fs/cgroup
  mount --rbind /dev dev
  mount -t tmpfs tmpfs run
  # Host folders that a test may want to bind-mount into a container, by the same path as outside.
  for folder in /tmp /home /root /srv "$RUN" "$DATA"; do
    [ -d "$folder" ] || continue
    mkdir -p "$ROOT$folder"
    mountpoint -q "$ROOT$folder" || mount --rbind "$folder" "$ROOT$folder"
  done
  # pivot_root and not chroot: runc does the same again for every container, and wants a mount point to start from.
  pivot_root . .old
  cd /
  export PATH=/usr/sbin:/usr/bin HOME=/root
  umount -l /.old
  # shellcheck disable=SC2086 # FLAGS is a list
  setsid dockerd --host "unix://$RUN/docker.sock" --group 0 --data-root "$DATA" --exec-root "$RUN/exec" \
    --pidfile "$RUN/dockerd.pid" --bip "10.232.$N.1/24" --default-address-pool base=10.233.0.0/16,size=24 \
    --insecure-registry "10.231.$N.0/24" --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/swapctl-$N" \
    $FLAGS > "$RUN/dockerd.log" 2>&1 < /dev/null &
  for _ in $(seq 150); do
    docker --host "unix://$RUN/docker.sock" version > /dev/null 2>&1 && return
    sleep .2
  done
  tail -20 "$RUN/dockerd.log" >&2
  exit 1
}
export -f in_namespace
nsenter --net="/run/netns/$namespace" unshare --mount --propagation private bash -euc in_namespace
