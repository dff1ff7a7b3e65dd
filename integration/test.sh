#!/usr/bin/env bash
# `make test`: fetches the oracle, runs every test of the workspace, and adds up what ran.
set -euo pipefail
cd "$(dirname "$0")/.."

sh integration/oracle.sh
export MINIDOCK_TEST_ALL=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
cargo test --workspace --no-fail-fast 2>&1 | tee "$log" || status=$?

stories=" $(cd integration/tests && echo *.rs) "
awk -v stories="$stories" '
    /^ +Running / { file = $2; sub(".*/", "", file); story = index($0, " tests/") && index(stories, " " file " ") }
    /^ +(Running unittests|Doc-tests)/ { story = 0 }
    /^test result:/ {
        passed += $4; failed += $6; ignored += $8
        if (story) { told += $4 + $6 }
    }
    END { printf "\ntests: %d passed, %d failed, %d ignored; %d of them stories told to the built binary and the real dockerd\n",
                 passed, failed, ignored, told }
' "$log"
for which in first second; do
    [ ! -e "target/oracle/$which/version" ] || echo "oracle: docker $(cat "target/oracle/$which/version")"
    [ ! -e "target/oracle/$which.absent" ] || cat "target/oracle/$which.absent"
done
grep -E '^test .* \.\.\. (FAILED|ignored)' "$log" || true
exit "$status"
