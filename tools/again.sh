#!/bin/sh
# again.sh PYTEST...: run what failed among all once more, by itself. What passes then has lost a race
# for the machine: it is named, so that somebody looks at it. More than a few are no accident.
set -eu
FEW=3
record=.pytest_cache/v/cache/lastfailed
names=$(grep -o '"[^"]*": true' "$record" | cut -d'"' -f2)
count=$(echo "$names" | wc -l)
[ "$count" -le "$FEW" ] || exit 1

echo "Once more, by themselves:" >&2
echo "$names" >&2
env "$@" --last-failed --last-failed-no-failures none -p no:randomly
printf 'FAILED AMONG ALL, PASSED ALONE:\n%s\n' "$names" >&2
