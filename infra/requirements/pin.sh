#!/bin/sh
# Pins every package with hashes, for all supported Pythons at once, without addresses.
set -eu
cd "$(dirname "$0")/../.."
pin() {
    out="infra/requirements/$1.txt"
    shift
    uv pip compile "$@" infra/requirements/build.in --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file "$out"
    echo "wrote $out"
}
pin dev pyproject.toml --extra local --extra train --extra gateway --extra bench --extra dev
pin local pyproject.toml --extra local --extra gateway --constraint infra/requirements/dev.txt
pin java infra/requirements/java.in --constraint infra/requirements/dev.txt
