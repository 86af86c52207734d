#!/usr/bin/env bash
# Makes docs/sandbox-shop.png anew: the shelf of a new sandbox after the sample of docs/catalog.md.
# Wants a running `cargo xtask up` (delete target/sunflow before, for an empty shelf), its env.sh sourced, and chromium.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${SUN_ECOMMERCE_API_URL:?is not set: source the env.sh that cargo xtask up names}"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "there is no chromium: apt-get install chromium" >&2
    exit 1
}

starter catalog setup --input starter/samples/spring.json --products starter/samples/spring.csv \
    --images starter/samples/images --wait >/dev/null
# As root, in a container, Chromium has no sandbox of its own; it reads this one page only. What it says is about
# buses that a container does not have.
"$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
    --window-size=1120,960 --screenshot=docs/sandbox-shop.png "$SUN_ECOMMERCE_API_URL/_sandbox/shop" 2>/dev/null
echo "docs/sandbox-shop.png: $(stat -c %s docs/sandbox-shop.png) bytes"
