#!/bin/sh
# Builds the OCI image of a director from the Debian package of this tree. The package must be for
# Debian 12, the base of the image. With docker, podman or buildah, the image is in the store of that
# program. Otherwise mmdebstrap makes the base, as root, and the image is an OCI layout in build/image.
#
# `PYTHON` is the interpreter of a tree that `make setup` has prepared.
set -eu
cd "$(dirname "$0")/.."
: "${PYTHON:?the interpreter of a tree that make setup has prepared}"

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' hadirector/__init__.py)
package=$(ls build/hadirector_"$version"~deb12_*.deb 2>/dev/null) || {
    echo "the package for Debian 12 is missing: run 'make deb' on Debian 12" >&2
    exit 2
}

# A client without its server cannot build. The OCI format of podman has no health check.
for builder in docker podman buildah; do
    if command -v "$builder" >/dev/null && "$builder" info >/dev/null 2>&1; then
        cp "$package" build/hadirector.deb
        [ "$builder" = docker ] || set -- --format docker
        exec "$builder" build "$@" --file packaging/image/Dockerfile \
            --build-arg "VERSION=$version" --tag "hadirector:$version" .
    fi
done
command -v mmdebstrap >/dev/null || {
    echo "no builder of images is here: install docker, podman, buildah or mmdebstrap" >&2
    exit 2
}
"$PYTHON" -m tests.image "$package" "$version"
echo "the image is in build/image"
