#!/usr/bin/env bash
# The tests of the telephone exchange call it with sipp (Debian: sip-tester). Installs it where it may, else says how.
set -u
command -v sipp >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing sip-tester for the tests of the telephone exchange …"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends sip-tester >/dev/null && exit 0
fi
echo "The tests of the telephone exchange need sipp: sudo apt-get install sip-tester" >&2
exit 1
