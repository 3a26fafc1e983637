#!/usr/bin/env bash
# Makes sure that a Redis-compatible server program is installed, and installs one if not.
#
# Tests, demo and benchmarks start servers of their own, so a program is all they need: a service
# that the installation would start on port 6379 is kept from running.
# Says nothing when there is nothing to do.
set -euo pipefail

readonly ADVICE="install redis-server or valkey-server, or set METASTORE_REDIS_SERVER to the path of one"

fail() {
    echo "ensure-server: $1" >&2
    exit 1
}

is_installed() {
    command -v redis-server >/dev/null || command -v valkey-server >/dev/null
}

# Runs a command as root, without ever asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# Runs a command up to three times, since networks fail.
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

# In run level 1 the package does not start the service with an init script. systemd and minimal
# containers pay no heed to that, so a service that runs nevertheless is stopped.
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

# Newer releases have Valkey in place of Redis.
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
    fail "METASTORE_REDIS_SERVER names \`$METASTORE_REDIS_SERVER\`, which is not an executable program."
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

is_installed || fail "$manager has installed no redis-server or valkey-server on the PATH: $ADVICE."
