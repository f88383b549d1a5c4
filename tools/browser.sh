#!/usr/bin/env bash
# The browser tests drive Debian's Chromium and need Japanese fonts. Installs them where it may, else says how.
set -u
if command -v chromium >/dev/null && fc-list 2>/dev/null | grep -qi -E 'cjk|noto sans jp|ipa|takao'; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium and fonts-noto-cjk for the browser tests …"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk fontconfig >/dev/null && exit 0
fi
echo "Browser tests need Chromium and Japanese fonts: sudo apt-get install chromium fonts-noto-cjk" >&2
exit 1
