#!/bin/sh
# The tests that need more than Python: network namespaces, a real keepalived, a kernel with IPVS.
# As root it installs the Debian packages they need. Without root it runs what it can and says what
# it left out; with CI set, leaving out is failing.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
packages="iproute2 keepalived ipvsadm curl openssl procps"
has_ipvs() { "$python" -m hadirector.lab.uml --kernel-has-ipvs; }

if [ "$(id -u)" -ne 0 ]; then
    echo "not root: leaving out the tests marked netns, keepalived and ipvs" >&2
    [ -z "${CI:-}" ] || exit 1
    exec "$python" -m pytest tests/lab tests/interop -m "not netns and not keepalived and not ipvs"
fi

has_ipvs || packages="$packages user-mode-linux kmod"
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
        missing="$missing $package"
done
if [ -n "$missing" ]; then
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

status=0
"$python" -m pytest -n 2 --dist loadfile tests/lab tests/interop -m "not ipvs" || status=1
if has_ipvs; then
    "$python" -m pytest tests/lab -m ipvs || status=1
else
    "$python" -m hadirector.lab.uml --timeout 1200 -- \
        "$python" -m pytest -p no:cacheprovider tests/lab -m ipvs || status=1
fi
exit "$status"
