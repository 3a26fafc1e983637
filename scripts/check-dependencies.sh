#!/usr/bin/env bash
# Checks the licences, versions, sources and known vulnerabilities of all
# dependencies against deny.toml.
#
# Needs cargo-deny, and for vulnerabilities the RustSec advisory database. Where one of them is
# missing, this says so and succeeds, so that `make lint` works on every machine.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
    echo "check-dependencies: cargo-deny is not installed, so dependencies are not checked;" \
        "install it by \`cargo install --locked cargo-deny\`"
    exit 0
fi

cargo deny check licenses bans sources

# Fetching comes first, so that a missing network is not taken for a vulnerability.
if cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --offline check advisories
else
    echo "check-dependencies: the advisory database cannot be fetched, so known vulnerabilities are not checked"
fi
