#!/bin/sh
# Times the same work in lsnn and its peers (docs/benchmark.md). `bench/run.sh --help` lists the options.
exec python3 "$(dirname "$0")/run.py" "$@"
