#!/usr/bin/env bash
# From a fresh machine to a trained spiking network: set up, build, train on handwritten digits, draw one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
scripts/setup.sh build
if ! { cmake -S . -B build/release -G Ninja && cmake --build build/release; } >build/demo-build.log 2>&1; then
    cat build/demo-build.log >&2
    exit 1
fi
lsnn=build/release/lsnn
rm -rf build/demo

echo 'Training a network of LIF and adaptive LIF neurons on 8x8 handwritten digits, shown to it pixel after pixel.'
"$lsnn" train digits --out build/demo
"$lsnn" plot build/demo --out build/demo/digit.png
"$lsnn" plot build/demo --out build/demo/digit.svg

cat <<END

One test digit, its spikes, thresholds and the network's answer over time:
  build/demo/digit.png
  build/demo/digit.svg
END
