#!/bin/sh
# Runs tests in the kernel of Debian's cloud images, emulated by QEMU without KVM. This kernel has
# IPVS and nftables together, and User-Mode Linux does not. It is not part of `make test`, because
# it downloads 45 MB and is ten times slower than this machine. It installs no package: it unpacks
# the packages into a directory and removes the directory at the end. It needs Debian 12 on amd64,
# and root.
#
# usage: tests/emulated.sh TEST...    tests as for pytest, without spaces in their names
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "tests/emulated.sh needs root" >&2; exit 2; }
tree=$PWD
directory=$(mktemp -d /var/tmp/hadirector-emulated.XXXXXX)
root=$directory/root
server=  # process id of the file system's server, while it runs
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$directory"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fetch() {
    mkdir -p "$directory/packages/partial" "$root"
    cd "$directory/packages"
    kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p')
    # With the dependencies that this machine does not have.
    apt-get install -y -qq --download-only --no-install-recommends \
        -o Dir::Cache::archives="$directory/packages/" -o APT::Sandbox::User=root qemu-system-x86
    apt-get download -qq -o APT::Sandbox::User=root busybox-static "$kernel"
    for package in *.deb; do
        dpkg -x "$package" "$root"
    done
    cd "$tree"
    version=${kernel#linux-image-}
    depmod -b "$root" "$version"
}

# Builds the first root file system, which mounts the file tree of this machine and continues there.
make_first_root() {
    first=$directory/first
    mkdir -p "$first/modules" "$first/proc" "$first/dev" "$first/tree"
    cp "$root/bin/busybox" "$first/busybox"
    for module in virtio_pci virtiofs; do
        modprobe -d "$root" -S "$version" --show-depends "$module"
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$directory/modules"
    number=10
    while read -r module; do
        cp "$module" "$first/modules/$number"
        number=$((number + 1))
    done <"$directory/modules"
    cat >"$first/init" <<END
#!/busybox sh
b=/busybox
\$b mount -t proc proc /proc
for module in /modules/*; do \$b insmod \$module; done
\$b mount -t virtiofs tree /tree || \$b poweroff -f
\$b mount -t proc proc /tree/proc
\$b mount -t sysfs sys /tree/sys
\$b mount -t devtmpfs dev /tree/dev
for place in run tmp dev/shm; do
    \$b mkdir -p /tree/\$place
    \$b mount -t tmpfs tmpfs /tree/\$place
done
exec \$b chroot /tree /bin/sh $directory/inside
END
    chmod 755 "$first/init"
    (cd "$first" && find . | ./busybox cpio -o -H newc >"$directory/first.cpio" 2>/dev/null)
}

# The status is written last: without it the kernel has crashed.
write_inside() {
    cat >"$directory/inside" <<END
export HOME=/root PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin CI=${CI:-}
mkdir -p /run/netns /run/lock
printf '#!/bin/sh\nexec modprobe -d $root "\$@"\n' >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
ip link set lo up
/run/modprobe -a ip_vs nf_tables veth bridge
cd $tree
.venv/bin/python -m pytest -q -rs -p no:cacheprovider $* >$directory/output 2>&1
echo \$? >$directory/status
sync
echo o >/proc/sysrq-trigger
sleep 60
END
}

boot() {
    export LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu"
    PATH=$root/usr/bin:$root/usr/lib/qemu:/usr/lib/qemu:$PATH
    virtiofsd --socket-path="$directory/socket" -o source=/ -o sandbox=chroot -o cache=always \
        >"$directory/virtiofsd" 2>&1 &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -S "$directory/socket" ] || sleep 0.5
    done
    timeout 600 qemu-system-x86_64 -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" \
        -L /usr/share/qemu -accel tcg,thread=multi -cpu max -smp 2 -m 2G \
        -object memory-backend-memfd,id=memory,size=2G,share=on -numa node,memdev=memory \
        -chardev socket,id=tree,path="$directory/socket" \
        -device vhost-user-fs-pci,chardev=tree,tag=tree \
        -kernel "$root/boot/vmlinuz-$version" -initrd "$directory/first.cpio" \
        -append "console=ttyS0 quiet panic=-1 rdinit=/init" \
        -nographic -no-reboot -nic none </dev/null >"$directory/console" 2>&1 || :
}

fetch
make_first_root
write_inside "$@"
boot
[ ! -e "$directory/output" ] || cat "$directory/output"
[ -e "$directory/status" ] || { tail "$directory/console" >&2; exit 1; }
exit "$(cat "$directory/status")"
