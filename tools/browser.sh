#!/usr/bin/env bash
# The browser tests drive Debian's Chromium and need Japanese fonts, and Devanagari for Nepali. Installs them where it may, else says how.
set -u
if command -v chromium >/dev/null && fc-list 2>/dev/null | grep -qi -E 'cjk|noto sans jp|ipa|takao' && fc-list :lang=ne | grep -q .; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium, fonts-noto-cjk and fonts-lohit-deva for the browser tests …"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk fonts-lohit-deva fontconfig >/dev/null && exit 0
fi
echo "Browser tests need Chromium, Japanese and Devanagari fonts: sudo apt-get install chromium fonts-noto-cjk fonts-lohit-deva" >&2
exit 1
