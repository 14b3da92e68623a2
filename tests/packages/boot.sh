#!/bin/sh
# Boots the systemd of a root directory in namespaces of its own, in the network of the caller.
# Usage: boot.sh ROOT NAME outside. NAME is the cgroup that it makes. Commands run there by nsenter(1).
set -eu
if [ "$3" = outside ]; then
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
        [ -e "$hierarchy/cgroup.procs" ] || continue
        mkdir "$hierarchy/$2"
        # An empty set of processors refuses processes.
        echo $$ >"$hierarchy/$2/cgroup.procs" || rmdir "$hierarchy/$2"
    done
    exec unshare --mount --pid --fork --kill-child=KILL --uts --ipc --cgroup "$0" "$1" "$2" inside
fi
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
    mount -t cgroup -o none,name=systemd,xattr systemd "$root/sys/fs/cgroup/systemd"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
fi
for each in run tmp dev; do
    mount -t tmpfs tmpfs "$root/$each"
done
# The nodes are its own: systemd changes the mode of the console.
for device in null,1,3 zero,1,5 full,1,7 random,1,8 urandom,1,9 tty,5,0 console,1,3; do
    old=$IFS IFS=,
    # shellcheck disable=SC2086 # a name and two numbers
    set -- $device
    IFS=$old
    mknod -m 666 "$root/dev/$1" c "$2" "$3"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
# A chroot would not do: the sandbox of a unit needs the root of the mount namespace.
cd "$root"
pivot_root . .
umount -l .
# The credentials of a unit are mounted in a namespace of their own, and propagate from there.
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
    --log-target=journal --unit=basic.target
