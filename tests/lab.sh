#!/bin/sh
# Runs the tests that need more than Python: network namespaces, real keepalived and FRR, a kernel
# with IPVS. As root it installs the necessary Debian packages. Without root it runs the tests that
# need no privileges and lists the rest. With CI set, a test that is left out is a failure.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
privileged="netns or keepalived or frr or bird or ipvs or package or browser"
servers="bind9 bind9-dnsutils etcd-server dnsmasq-base redis-server nginx-light postgresql exim4-daemon-light mariadb-server-core"
builders="crun debhelper dpkg-dev lintian man-db mmdebstrap systemd"
browser="chromium fonts-dejavu-core"
alerts="prometheus"
packages="iproute2 iptables nftables keepalived frr bird2 ipvsadm ldirectord curl openssl procps tcpdump arptables $servers $builders $browser $alerts"
directory=$(mktemp -d)
policy=
second=  # process id, while the second part runs
trap '[ -z "$second" ] || kill "$second"; rm -rf "$directory" $policy' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

has_ipvs() { "$python" -m hadirector.lab.uml --kernel-has-ipvs; }

# Prints the given Debian packages that are not installed.
missing() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            printf ' %s' "$package"
    done
}

# The tests need the programs of a package. Its service must not start, now or at the next boot.
forbid_services() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

install() {
    if ! command -v apt-get >/dev/null; then
        echo "the lab needs these Debian packages, and there is no apt-get:$1" >&2
        exit 2
    fi
    echo "installing$1"
    apt-get update -qq || echo "apt-get update failed: continuing with the old package lists" >&2
    forbid_services
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1 || {
        echo "the lab needs these packages, and they cannot be installed:$1" >&2
        exit 2
    }
    # shellcheck disable=SC2086 # one file or none
    rm -f $policy
    case "$1 " in *" frr "*) update-rc.d frr disable ;; esac
    case "$1 " in *" bird2 "*) update-rc.d bird disable ;; esac
    case "$1 " in *" prometheus "*) update-rc.d prometheus disable ;; esac
    case "$1 " in *" etcd-server "*) update-rc.d etcd disable ;; esac
    case "$1 " in *" bind9 "*) update-rc.d named disable ;; esac
}

# Runs a command, shows its output, and stores the output under a name.
perform() {
    name=$1
    shift
    { "$@" 2>&1 && echo 0 >"$directory/$name.status" || echo $? >"$directory/$name.status"; } |
        tee "$directory/$name.output"
}

# Adds the last line of a stored output to the summary.
status=0
conclude() {
    [ "$(cat "$directory/$1.status")" -eq 0 ] || status=1
    counts=$(tail -n 1 "$directory/$1.output" | tr -d '=' | sed 's/^ *//; s/ *$//')
    printf '  %-34s %s\n' "$2" "$counts" >>"$directory/summary"
}

run() {
    where=$1
    shift
    perform run "$@"
    conclude run "$where"
}

# A User-Mode Linux kernel uses one processor, so two kernels run half of the tests each. The output
# of the second kernel is shown when the first has ended.
run_in_uml() {
    set -- "$python" -m hadirector.lab.uml --timeout 1200 -- \
        "$python" -m pytest -q -rs -p no:cacheprovider tests/lab -m ipvs --part
    "$@" 2/2 >"$directory/second.output" 2>&1 &
    second=$!
    perform first "$@" 1/2
    wait "$second" && echo 0 >"$directory/second.status" || echo $? >"$directory/second.status"
    second=
    cat "$directory/second.output"
    conclude first "IPVS in User-Mode Linux"
    conclude second "IPVS in a second User-Mode Linux"
}

list_left_out() {
    echo "  left out: they need root"
    "$python" -m pytest --collect-only -q tests/lab tests/interop tests/packages tests/browser -m "$privileged" |
        sed -n 's/::.*//p' | sort | uniq -c | sed 's/^/  /'
}

print_summary() {
    echo
    echo "lab and interoperability tests"
    cat "$directory/summary"
}

if [ "$(id -u)" -ne 0 ]; then
    if [ -n "${CI:-}" ]; then
        echo "CI is set, so no test may be left out, and these tests need root: $privileged" >&2
        exit 1
    fi
    # shellcheck disable=SC2086 # a list of package names
    lacking=$(missing openssl procps $servers)
    [ -z "$lacking" ] || echo "some tests will fail, because these packages are missing:$lacking" >&2
    run "without root" "$python" -m pytest -q -rs tests/lab tests/interop -m "not ($privileged)"
    print_summary
    list_left_out
    exit "$status"
fi

if ! has_ipvs; then
    packages="$packages user-mode-linux kmod"
    ! grep -qw amx_tile /proc/cpuinfo || packages="$packages gcc libc6-dev" # hadirector/lab/xsave.py
fi
# shellcheck disable=SC2086 # a list of package names
lacking=$(missing $packages)
[ -z "$lacking" ] || install "$lacking"

run "this kernel" "$python" -m pytest -q -rs -n 2 --dist loadfile tests/lab tests/interop tests/packages \
    tests/browser -m "not ipvs"
if has_ipvs; then
    run "this kernel's IPVS" "$python" -m pytest -q -rs tests/lab -m ipvs
else
    run_in_uml
fi
print_summary
exit "$status"
