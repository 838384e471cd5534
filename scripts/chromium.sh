#!/bin/sh
# Makes sure that Chromium is here, for the tests of the page, and prints its path.
set -eu

for name in chromium chromium-browser google-chrome; do
    if path=$(command -v "$name"); then
        echo "$path"
        exit 0
    fi
done

if [ "$(id -u)" != 0 ]; then
    echo "chromium.sh: no Chromium here, and only root can install it: run 'sudo apt-get install chromium'" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "chromium.sh: no Chromium here and no apt-get: install Chromium with this system's package manager" >&2
    exit 1
fi
{
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium
} >&2
command -v chromium
