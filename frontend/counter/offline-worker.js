/**
 * Keeps the page of one tablet and its files, so that it opens without a network. The server puts `KEEP` before this text: the page, its
 * files and the mark of their contents. It answers for that page and those files only; everything else goes to the network.
 */

/* global KEEP */
const NAME = `tablet ${KEEP.page} ${KEEP.version}`;
const PATIENCE_MS = 4000;

/** All or nothing: who is not signed in is led to the sign-in, and that must never be kept as the page. */
self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(NAME)
      .then((cache) => cache.addAll([...KEEP.files, KEEP.page].map((url) => new Request(url, { cache: "reload", redirect: "error" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const outdated = (name) => name.startsWith(`tablet ${KEEP.page} `) && name !== NAME;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(outdated).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

/** The page of now, where the server answers in time and in order; else the kept one. */
async function page(request) {
  const cache = await caches.open(NAME);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.type === "opaqueredirect" || (answer.status >= 300 && answer.status < 500)) return answer;
    if (answer.ok) {
      await cache.put(KEEP.page, answer.clone());
      return answer;
    }
  } catch {
    // No network, or a server that does not answer: the kept page goes on.
  }
  return (await cache.match(KEEP.page, { ignoreVary: true })) ?? Response.error();
}

async function file(request) {
  const cache = await caches.open(NAME);
  return (await cache.match(request, { ignoreVary: true })) ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && path === KEEP.page) event.respondWith(page(request));
  else if (KEEP.files.includes(path)) event.respondWith(file(request));
});
