# Boots a guest: in namespaces of mounts and processes that were just made, and in the network namespace of the machine. Everything
# that it mounts ends with it.
#
#   DIR NAME LOWER UPPER PIN CGROUPS NSPAWN-OPTION...
#
# The directory of the machine, its name on this machine, the root of its template, the directory of its own files, the pin of its
# network namespace, its control groups separated by blanks.
set -eu
dir=$1 name=$2 lower=$3 upper=$4 pin=$5 cgroups=$6
shift 6

# Who this is, as the processes outside see it: /proc in this namespace does not say. Field 22 is the start time.
read -r line </proc/self/stat
started() { shift 19; printf '%s' "$1"; }
# shellcheck disable=SC2086
printf '%s %s' "${line%% *}" "$(started ${line##*) })" >"$dir/init.part"
mv "$dir/init.part" "$dir/init"
for cgroup in $cgroups; do echo 0 >"$cgroup/cgroup.procs"; done

mount -t proc proc /proc
mount -t overlay -o "lowerdir=$lower,upperdir=$upper/upper,workdir=$upper/work" rangehand "$dir/root"
echo up >"$dir/up"
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
exec systemd-nspawn --quiet --boot --machine="$name" --directory="$dir/root" --register=no --settings=no --link-journal=no \
  --resolv-conf=off --timezone=off --console=read-only --network-namespace-path="$pin" --capability=CAP_NET_ADMIN "$@"
