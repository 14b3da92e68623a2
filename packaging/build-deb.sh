#!/bin/sh
# Builds the Debian package of this tree for the release of Debian or Ubuntu that runs here. The
# libraries come from the lock file, with their hashes; no program of the package runs pip. The
# package is left in build/.
#
# `PYTHON` is the interpreter of a tree that `make setup` has prepared. It makes the manual pages, and
# its pip installs the libraries for the interpreter of the release, /usr/bin/python3.
set -eu
cd "$(dirname "$0")/.."
: "${PYTHON:?the interpreter of a tree that make setup has prepared}"

for program in dh dpkg-buildpackage; do
    command -v "$program" >/dev/null || {
        echo "$program is missing: apt-get install debhelper dpkg-dev" >&2
        exit 2
    }
done

python=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# shellcheck source=/dev/null # a file of the release
release=$(. /etc/os-release && echo "$ID$VERSION_ID" | sed 's/^debian/deb/')
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' hadirector/__init__.py)
commit=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain)" ] || commit="$commit with changes"
moment=$(git log -1 --format=%ct)

tree=build/deb/hadirector-$version
rm -rf build/deb
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard -- checks hadirector vrrp configs docs packaging README.md LICENSE pyproject.toml \
    CHANGELOG.md requirements.txt | xargs -0 cp --parents -t "$tree"
cp -r packaging/debian "$tree/debian"
# The files of a service have one source.
service=$tree/hadirector/installation/files
mkdir -p "$tree/packaging/needrestart" "$tree/packaging/modules-load"
sed 's,@PROGRAM@,/usr/bin/hadirector,' "$service/hadirector.service" >"$tree/debian/hadirector.service"
cp "$service/needrestart.conf" "$tree/packaging/needrestart/hadirector.conf"
cp "$service/modules-load.conf" "$tree/packaging/modules-load/hadirector.conf"
printf 'hadirector (%s~%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' \
    "$version" "$release" "The hadirector authors <hadirector@example.org>" \
    "$(date -u -R -d "@$moment")" >"$tree/debian/changelog"

libraries=$tree/build/libraries
"$PYTHON" -m pip install -qq --disable-pip-version-check --no-deps --no-compile --require-hashes \
    --only-binary :all: --python-version "$python" --target "$libraries" -r requirements.txt
# setuptools is for `make setup` only, win_inet_pton for other systems.
rm -rf "$libraries"/setuptools* "$libraries"/pkg_resources "$libraries"/_distutils_hack \
    "$libraries"/distutils-precedence.pth "$libraries"/win_inet_pton* \
    "$libraries"/multidict/_testcapi* "$libraries/bin"
for package in checks hadirector vrrp; do
    cp -r "$tree/$package" "$libraries/"
done
printf '%s\n' "$commit" >"$libraries/hadirector/commit"
find "$libraries" -name tests -type d -prune -exec rm -rf {} +
sed -i '1{/^#!/d}' $(grep -rlm1 '^#!' --include='*.py' "$libraries")
find "$libraries" \( -name '*.pyi' -o -name '*.c' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' \) -delete

mkdir "$tree/build/manual"
"$PYTHON" -m tests.reference.manual "$tree/build/manual"

mkdir "$tree/build/completion"
"$PYTHON" -m hadirector completion bash >"$tree/build/completion/hadirector"
"$PYTHON" -m hadirector completion zsh >"$tree/build/completion/_hadirector"
"$PYTHON" -m hadirector completion fish >"$tree/build/completion/hadirector.fish"

(cd "$tree" && SOURCE_DATE_EPOCH=$moment dpkg-buildpackage -b -us -uc >../build.log 2>&1) || {
    tail -n 40 build/deb/build.log >&2
    exit 1
}
cp build/deb/hadirector_*.deb build/
ls build/hadirector_"$version"*.deb
