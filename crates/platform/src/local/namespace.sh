# Becomes the first process of a machine of kind `namespace`: in namespaces of mounts, processes, host name and IPC that were just
# made, and in the network namespace of the machine. Everything that it mounts ends with it.
#
#   DIR NAME SIZE USER HIDDEN...   the directory of the machine, its host name, the most that it may write; who logs in; files and
#                                  directories that it must not see
set -eu
dir=$1 name=$2 size=$3 user=$4
shift 4

# Who this is, as the processes outside see it: /proc is still theirs.
read -r line </proc/self/stat
started() { shift 19; printf '%s' "$1"; }
# shellcheck disable=SC2086
printf '%s %s' "${line%% *}" "$(started ${line##*) })" >"$dir/init.part"
mv "$dir/init.part" "$dir/init"

root=$dir/root/root
mount -t tmpfs -o "mode=0755,size=$size" rangehand "$dir/root"
# The files of this machine, with a layer of its own for what is written. Each file system has its layer.
layer() {
  mkdir -p "$dir/root/upper$1" "$dir/root/work$1"
  mount -t overlay -o "lowerdir=/$1,upperdir=$dir/root/upper$1,workdir=$dir/root/work$1" rangehand "$root/$1"
}
# The same without a layer. In a user namespace the kernel refuses one over a root that has mounts on it, and what is there belongs
# to users who do not exist in it, so it cannot be written.
view() {
  mkdir "$root/$1"
  mount --rbind "/$1" "$root/$1"
  mount -o remount,bind,ro "$root/$1" 2>/dev/null || true
}
mkdir "$root"
read -r _ _ users </proc/self/uid_map
if [ "$users" -eq 4294967295 ]; then
  layer ''
  for part in usr etc var opt srv; do
    if mountpoint -q "/$part"; then layer "$part"; fi
  done
else
  # The new root has to be a mount.
  mount --bind "$root" "$root"
  for part in /*; do
    part=${part#/}
    case $part in
      dev | proc | sys | run | tmp | root | home) mkdir "$root/$part" ;;
      bin | etc | lib* | opt | sbin | srv | usr | var)
        if [ -L "/$part" ]; then cp -P "/$part" "$root/$part"; elif [ -d "/$part" ]; then view "$part"; fi ;;
    esac
  done
fi

# Nothing of the devices, homes and secrets of this machine.
mount -t tmpfs -o mode=0755,size=64k rangehand "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts" 2>/dev/null ||
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777,size=64m rangehand "$root/dev/shm"
for empty in run tmp root home "$@"; do
  if [ -d "$root/$empty" ]; then
    mount -t tmpfs -o "mode=0755,size=$size" rangehand "$root/$empty"
  elif [ -f "$root/$empty" ]; then
    mount --bind /dev/null "$root/$empty"
  fi
done
chmod 1777 "$root/tmp"
chmod 0700 "$root/root"
mount -t proc proc "$root/proc"
# Refused where this machine's own is covered in part, as in containers.
mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || true

# replace FILE: reads its new text. Users without write access to /etc mount it.
replace() {
  cat >"$dir/root/${1##*/}"
  if ! cp "$dir/root/${1##*/}" "$root$1" 2>/dev/null; then mount --bind "$dir/root/${1##*/}" "$root$1"; fi
}
hostname "$name"
printf '%s\n' "$name" | replace /etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" | replace /etc/hosts
# Without PAM, sshd refuses an account whose password is locked with `!`.
if [ "$user" = root ]; then
  { sed 's/^root:[^:]*:/root:*:/' /etc/shadow 2>/dev/null || printf 'root:*:19000:0:99999:7:::\n'; } | replace /etc/shadow
  chmod 0600 "$root/etc/shadow" 2>/dev/null || true
  become=''
else
  # The only user there is, under a name and number of its own.
  mkdir -p "$root/home/$user"
  { grep -v -e "^$user:" -e '^[^:]*:[^:]*:1000:' /etc/passwd && printf '%s:x:1000:1000::/home/%s:/bin/sh\n' "$user" "$user"; } |
    replace /etc/passwd
  become='unshare --user --map-user=1000 --map-group=1000'
fi

mkdir -p "$root/run/sshd" "$root/run/rangehand"
cp "$dir/host_key" "$dir/authorized_keys" "$dir/sshd_config" "$root/run/rangehand/"
chmod 0600 "$root/run/rangehand/host_key"
chmod 0755 "$root/run/sshd"

# The old root is on top of the new one now, and goes.
exec 9>"$dir/up"
cd "$root"
pivot_root . .
umount -l .
cd /
echo up >&9
exec 9>&-

# What a container may do, and its network. Not: devices, modules, clocks, mounts, files by handle.
# shellcheck disable=SC2086
exec setpriv --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_admin,+net_raw,+sys_chroot,+audit_write,+setfcap \
  $become "$(command -v sshd)" -D -e -f /run/rangehand/sshd_config
