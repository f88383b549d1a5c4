/** The page of a ticket follows the queue: every few seconds the part that changes is read anew; what is typed below stays. */

const EVERY_MS = 5000;

async function follow() {
  const here = document.getElementById("ticket");
  if (!here || here.dataset.follow === undefined) return;
  try {
    if (!document.hidden) {
      const answer = await fetch(window.location.href, { cache: "no-store" });
      const found = answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("ticket") : null;
      if (found) {
        const state = here.querySelector(".ticket-state");
        const fresh = found.querySelector(".ticket-state");
        if (state && fresh && state.outerHTML !== fresh.outerHTML) {
          state.className = fresh.className;
          state.replaceChildren(...fresh.childNodes);
        }
        if (found.dataset.follow === undefined) delete here.dataset.follow;
      }
    }
  } catch {
    // The network is away: the last state stays, the next round asks again.
  }
  window.setTimeout(follow, EVERY_MS);
}
window.setTimeout(follow, EVERY_MS);
