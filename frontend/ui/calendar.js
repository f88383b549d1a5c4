import { onEach } from "./dom.js";

/** @typedef {{ version: number | string, days: Record<string, [string, number] | { mark: string, left: number }> }} Snapshot */
/** @typedef {{ days: { date: string, mark: string, left: number }[] }} Availability what the server's snapshot is */

/** @type {Record<string, string>} */
const MARKS = { o: "open", t: "few", x: "full", "-": "closed" };

/**
 * The server's answer in the shape of `patch`; one that has it already is left alone.
 * @param {Snapshot | Availability} answer
 * @param {string} etag
 * @returns {Snapshot}
 */
export function asSnapshot(answer, etag) {
  if (!Array.isArray(answer.days)) return /** @type {Snapshot} */ (answer);
  return { version: etag, days: Object.fromEntries(answer.days.map((day) => [day.date, [MARKS[day.mark] ?? "closed", day.left]])) };
}

const EVERY_MS = 4000;
const SLOWEST_MS = 60000;

/**
 * Keeps `[data-calendar]` current: asks the snapshot URL while the page is visible, with `If-None-Match`, and patches the marks that
 * changed. Cells are `td[data-day="2026-10-05"]`; signs and texts are cloned from `template[data-mark]`. On errors it asks less and
 * less often, up to once a minute; the page stays usable, the server decides at booking.
 * @param {HTMLElement} root
 */
export function startCalendar(root) {
  const url = root.dataset.calendar;
  if (!url) return;
  let etag = "";
  let wait = EVERY_MS;
  /** @type {number | undefined} */
  let timer;

  const ask = async () => {
    if (document.visibilityState === "visible") {
      try {
        const answer = await fetch(url, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", credentials: "same-origin" });
        if (answer.status === 200) {
          etag = answer.headers.get("ETag") ?? "";
          patch(root, asSnapshot(await answer.json(), etag));
        } else if (answer.status !== 304) {
          throw new Error(String(answer.status));
        }
        wait = EVERY_MS;
        const note = root.querySelector("[data-updated]");
        if (note instanceof HTMLElement) note.hidden = false;
      } catch {
        wait = Math.min(SLOWEST_MS, wait * 2);
      }
    }
    timer = window.setTimeout(ask, wait * (0.85 + Math.random() * 0.3));
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    window.clearTimeout(timer);
    wait = EVERY_MS;
    void ask();
  });
  timer = window.setTimeout(ask, EVERY_MS);
}

/**
 * @param {HTMLElement} root
 * @param {Snapshot} snapshot
 */
export function patch(root, snapshot) {
  if (String(snapshot.version) === root.dataset.version) return;
  root.dataset.version = String(snapshot.version);
  for (const [iso, state] of Object.entries(snapshot.days)) {
    const [mark, left] = Array.isArray(state) ? state : [state.mark, state.left];
    const cell = root.querySelector(`td[data-day="${CSS.escape(iso)}"]`);
    const template = root.querySelector(`template[data-mark="${CSS.escape(mark)}"]`);
    if (cell instanceof HTMLElement && template instanceof HTMLTemplateElement) paint(cell, template, mark, left);
  }
}

/**
 * @param {HTMLElement} cell
 * @param {HTMLTemplateElement} template
 * @param {string} mark
 * @param {number} left
 */
function paint(cell, template, mark, left) {
  const same = cell.classList.contains(`is-${mark}`);
  const shown = cell.querySelector("[data-left]");
  if (same && (!shown || shown.textContent === String(left))) return;
  const day = cell.querySelector(".cal-day");
  if (!day) return;
  const bookable = mark === "open" || mark === "few";
  const href = day.getAttribute("href") ?? /** @type {HTMLElement} */ (day).dataset.href ?? "";
  const fresh = document.createElement(bookable && href ? "a" : "span");
  fresh.className = "cal-day";
  if (href) {
    if (fresh instanceof HTMLAnchorElement) fresh.href = href;
    else fresh.dataset.href = href;
  }
  const number = day.querySelector(".cal-num");
  if (number) fresh.append(number);
  fresh.append(template.content.cloneNode(true));
  const count = fresh.querySelector("[data-left]");
  if (count) count.textContent = String(left);
  const focused = document.activeElement === day;
  day.replaceWith(fresh);
  if (focused) {
    if (!(fresh instanceof HTMLAnchorElement)) fresh.tabIndex = -1;
    fresh.focus();
  }
  cell.classList.remove("is-open", "is-few", "is-full", "is-closed", "flash");
  void cell.offsetWidth;
  cell.classList.add(`is-${mark}`, "flash");
}

onEach("[data-calendar]", startCalendar);
