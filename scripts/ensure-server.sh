#!/usr/bin/env bash
# Installs a Redis-compatible server program unless there is one. Prints nothing
# if it has nothing to do.
#
# Tests, examples and benchmarks start servers of their own and need the program only. So this
# prevents the service that a package would start on port 6379.
set -euo pipefail

readonly ADVICE="install redis-server or valkey-server, or set METASTORE_REDIS_SERVER to the path of one"

fail() {
    echo "ensure-server: $1" >&2
    exit 1
}

is_installed() {
    command -v redis-server >/dev/null || command -v valkey-server >/dev/null
}

# Runs a command as root, without asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# Runs a command up to three times, because networks fail.
with_retries() {
    local attempt
    for attempt in 1 2 3; do
        if "$@"; then
            return 0
        fi
        if [ "$attempt" -lt 3 ]; then
            sleep $((attempt * 5))
        fi
    done
    return 1
}

# In run level 1 the package does not start its service by an init script. systemd and minimal
# containers ignore the run level, so a service that was started is stopped afterwards.
install_with_apt() {
    with_retries as_root apt-get update &&
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
            apt-get -o Acquire::Retries=3 install -y --no-install-recommends redis-server &&
        stop_packaged_service
}

stop_packaged_service() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl disable --now redis-server >/dev/null 2>&1 || true
    elif [ -x /etc/init.d/redis-server ]; then
        as_root /etc/init.d/redis-server stop >/dev/null 2>&1 || true
    fi
}

# Newer releases have Valkey instead of Redis.
install_with_dnf() {
    as_root dnf install -y redis || as_root dnf install -y valkey
}

install_with_apk() {
    as_root apk add --no-cache redis || as_root apk add --no-cache valkey
}

install_with_brew() {
    brew install redis
}

if [ -n "${METASTORE_REDIS_SERVER:-}" ]; then
    command -v "$METASTORE_REDIS_SERVER" >/dev/null && exit 0
    fail "METASTORE_REDIS_SERVER names \`$METASTORE_REDIS_SERVER\`, which is not an executable program: $ADVICE."
fi
if is_installed; then
    exit 0
fi

manager=""
for candidate in apt-get brew dnf apk; do
    if command -v "$candidate" >/dev/null; then
        manager=$candidate
        break
    fi
done

if [ -z "$manager" ]; then
    fail "no known package manager found: $ADVICE."
fi
if [ "$manager" != brew ] && ! as_root true 2>/dev/null; then
    fail "installing a server with $manager needs root: $ADVICE."
fi

echo "ensure-server: installing a Redis server with $manager"
case $manager in
apt-get) install_with_apt ;;
brew) with_retries install_with_brew ;;
dnf) with_retries install_with_dnf ;;
apk) with_retries install_with_apk ;;
esac || fail "the installation with $manager failed: $ADVICE."

is_installed || fail "$manager installed no redis-server or valkey-server on the PATH: $ADVICE."
