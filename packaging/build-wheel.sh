#!/bin/sh
# Builds the wheel of this tree, which knows its commit. The wheel is left in build/.
#
# `PYTHON` is the interpreter of a tree that `make setup` has prepared. Its setuptools builds the
# wheel, so that nothing is downloaded.
set -eu
cd "$(dirname "$0")/.."
: "${PYTHON:?the interpreter of a tree that make setup has prepared}"

commit=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain)" ] || commit="$commit with changes"

tree=build/wheel
rm -rf "$tree"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard -- checks hadirector vrrp README.md LICENSE \
    pyproject.toml | xargs -0 cp --parents -t "$tree"
printf '%s\n' "$commit" >"$tree/hadirector/commit"
"$PYTHON" -m pip wheel -qq --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir build "$tree"
ls build/hadirector-*.whl
