#!/bin/sh
# need.sh COMMAND PACKAGE...: make sure COMMAND exists, installing the Debian packages if it does not.
set -eu
command=$1
shift
command -v "$command" >/dev/null 2>&1 && exit 0

refuse() {
    echo "The command '$command' is missing and $1." >&2
    echo "Install it (on Debian or Ubuntu: apt-get install $packages) and run make again." >&2
    exit 1
}

packages=$*
command -v apt-get >/dev/null 2>&1 || refuse "there is no apt-get to install it with"
if [ "$(id -u)" -eq 0 ]; then
    root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    root="sudo"
else
    refuse "installing it needs root"
fi

echo "Installing $packages, for the command '$command'" >&2
$root apt-get update -qq || refuse "apt-get update failed"
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
    refuse "apt-get could not install it"
command -v "$command" >/dev/null 2>&1 || refuse "the packages did not bring it"
