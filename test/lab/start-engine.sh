#!/bin/bash
# Starts an unpacked engine in mount and network namespaces of its own; called by engines.ts, which says by environment:
# ROOT (its file system), RUN (socket, pid files, log), DATA, N (number of its networks), DAEMON (dockerd or podman), FLAGS,
# DISK (size of a small disk for DATA; empty: the machine's own), BINARIES (folder of programs that come before those of ROOT;
# empty: none), ACTION (start, or again: after it was stopped), HOST (its host name; empty: the machine's), and IPTABLES
# (`legacy`: the kernel's older tables instead of nftables).
#
# The namespaces are what keeps it from rebuilding the iptables chains and bridges of another engine on this machine. A process
# that does nothing holds them, so that the engine can go and come back while its containers go on.
set -euo pipefail
namespace=swapctl-$N
link=swapctl-$N

undo() {
  local status=$?
  [ $status = 0 ] && return
  [ -s "$RUN/holder.pid" ] && kill "$(cat "$RUN/holder.pid")" 2>/dev/null
  ip netns del "$namespace" 2>/dev/null || true
  ip link del "$link" 2>/dev/null || true
  exit $status
}

in_namespace() {
  [ -z "${HOST:-}" ] || hostname "$HOST"
  mount --bind "$ROOT" "$ROOT"
  [ -z "$DISK" ] || mount -t tmpfs -o "size=$DISK" tmpfs "$DATA"
  cd "$ROOT"
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount --rbind /sys/fs/cgroup sys/fs/cgroup
  # Of both versions at once (hybrid) crun wants nothing to do.
  [ "$DAEMON" = dockerd ] || umount sys/fs/cgroup/unified 2> /dev/null || true
  mount --rbind /dev dev
  # Its locks are there, and belong to what is in its data, of which nothing can be left.
  if [ "$DAEMON" = podman ]; then
    mount -t tmpfs tmpfs dev/shm
    rm -rf "${DATA:?}"/*
  fi
  mount -t tmpfs tmpfs run
  # Host folders that a test may want to bind-mount into a container, by the same path as outside.
  for folder in /tmp /home /root /srv "$RUN" "$DATA" "$BINARIES"; do
    [ -d "$folder" ] || continue
    mkdir -p "$ROOT$folder"
    mountpoint -q "$ROOT$folder" || mount --rbind "$folder" "$ROOT$folder"
  done
  # pivot_root and not chroot: runc does the same again for every container, and wants a mount point to start from.
  pivot_root . .old
  cd /
  umount -l /.old
  setsid sleep infinity > /dev/null 2>&1 < /dev/null &
  echo $! > "$RUN/holder.pid"
  "$DAEMON"_up
}

# Programs of another suite may need libraries that this one does not have; these may lie beside them.
first_binaries() {
  export HOME=/root PATH=/usr/sbin:/usr/bin
  [ -z "$BINARIES" ] || export PATH=$BINARIES:$PATH LD_LIBRARY_PATH=$BINARIES
}

dockerd_up() {
  first_binaries
  if [ "${IPTABLES:-nft}" = legacy ]; then
    mkdir -p /run/iptables
    for tool in iptables ip6tables; do ln -sf /usr/sbin/xtables-legacy-multi "/run/iptables/$tool"; done
    PATH=/run/iptables:$PATH
  fi
  # shellcheck disable=SC2086 # FLAGS is a list
  setsid dockerd --host "unix://$RUN/docker.sock" --group 0 --data-root "$DATA" --exec-root "$RUN/exec" \
    --pidfile "$RUN/dockerd.pid" --bip "10.232.$N.1/24" --default-address-pool base=10.233.0.0/16,size=24 \
    --insecure-registry "10.231.$N.0/24" --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/swapctl-$N" \
    $FLAGS >> "$RUN/dockerd.log" 2>&1 < /dev/null &
  for _ in $(seq 600); do
    docker --host "unix://$RUN/docker.sock" version > /dev/null 2>&1 && return
    kill -0 $! 2> /dev/null || break
    sleep .2
  done
  tail -20 "$RUN/dockerd.log" >&2
  exit 1
}

# With journald and systemd away it logs to files, and runs no health check by itself.
podman_up() {
  first_binaries
  export CONTAINERS_CONF=$RUN/containers.conf
  export CONTAINERS_STORAGE_CONF=$RUN/storage.conf CONTAINERS_REGISTRIES_CONF=$RUN/registries.conf
  mount --make-rshared /
  cat > "$CONTAINERS_CONF" << X
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "lab"
helper_binaries_dir = [${BINARIES:+"\"$BINARIES\", "}"/usr/lib/podman", "/usr/libexec/podman", "/usr/sbin", "/usr/bin"]
conmon_path = [${BINARIES:+"\"$BINARIES/conmon\", "}"/usr/bin/conmon"]
[engine.runtimes]
lab = ["$RUN/crun"]
[network]
network_backend = "netavark"
network_config_dir = "$RUN/networks"
default_subnet = "10.232.$N.0/24"
default_subnet_pools = [{"base" = "10.233.0.0/16", "size" = 24}]
[containers]
log_driver = "k8s-file"
X
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "/run/containers/storage"\n' "$DATA" \
    > "$CONTAINERS_STORAGE_CONF"
  printf '[[registry]]\nlocation = "10.231.%s.1"\ninsecure = true\n' "$N" > "$CONTAINERS_REGISTRIES_CONF"
  echo '{"default":[{"type":"insecureAcceptAnything"}]}' > /etc/containers/policy.json
  # Podman asks for as many files and processes as the kernel has; without CAP_SYS_RESOURCE these can't be had.
  cat > "$RUN/crun" << 'X'
#!/bin/bash
spec='' previous=''
for word in "$@"; do
  [ "$previous" = --bundle ] && spec=$word/config.json
  [ "$previous" = --process ] && spec=$word
  previous=$word
done
if [ -n "$spec" ] && ! (ulimit -Hn 1048576 && ulimit -Hu 1048576) 2> /dev/null; then
  sed -i -E 's/\{"type":"RLIMIT_(NOFILE|NPROC)","hard":1048576,"soft":1048576\},?//g; s/,\]/]/' "$spec"
fi
exec crun "$@"
X
  chmod +x "$RUN/crun"
  # shellcheck disable=SC2086 # FLAGS is a list
  setsid podman --log-level=info system service --time=0 $FLAGS "unix://$RUN/docker.sock" >> "$RUN/dockerd.log" 2>&1 \
    < /dev/null &
  echo $! > "$RUN/dockerd.pid"
  for _ in $(seq 600); do
    [ -S "$RUN/docker.sock" ] && podman info > /dev/null 2>&1 && return
    sleep .2
  done
  tail -20 "$RUN/dockerd.log" >&2
  exit 1
}
export -f in_namespace first_binaries dockerd_up podman_up

if [ "$ACTION" = again ]; then
  nsenter --target "$(cat "$RUN/holder.pid")" --mount --uts --net bash -euc "${DAEMON}_up"
  exit
fi

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

nsenter --net="/run/netns/$namespace" unshare --mount --uts --propagation private bash -euc in_namespace
