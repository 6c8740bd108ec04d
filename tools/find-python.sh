#!/bin/sh
# Print the first Python that is new enough; the environment's own one, if it works, comes first.
for candidate in .venv/bin/python python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
done
echo "Gatepost needs Python 3.11 or newer, and none was found on PATH." >&2
# The name that is printed makes the failing command say what is missing.
echo "python-3.11-or-newer-not-found"
