#!/usr/bin/env bash
# The tests of the telephone call the exchange with sipp (Debian: sip-tester) and let flite speak English. Installs both where it may, else says how.
set -u
command -v sipp >/dev/null && command -v flite >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing sip-tester and flite for the tests of the telephone …"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends sip-tester flite >/dev/null && exit 0
fi
echo "The tests of the telephone need sipp and flite: sudo apt-get install sip-tester flite" >&2
exit 1
