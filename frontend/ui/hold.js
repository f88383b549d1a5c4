import { onEach, templateText } from "./dom.js";

/** Seconds before the end at which people are warned, once. */
export const WARN_SECONDS = 120;

/**
 * Time left as `m:ss`; never negative.
 * @param {number} seconds
 * @returns {string}
 */
export function clockText(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/**
 * Counts down `[data-hold]` to `data-expires` (ISO 8601). `data-now` (ISO 8601) is the server's clock when the page was made: the
 * browser's clock may be wrong, and a demo's clock may be set. Focus never moves; only the warning and the end are spoken.
 * At the end the element sends `hold:over` (bubbles).
 * @param {HTMLElement} root
 */
export function startHold(root) {
  const expires = Date.parse(root.dataset.expires ?? "");
  if (Number.isNaN(expires)) return;
  const server = Date.parse(root.dataset.now ?? "");
  const skew = Number.isNaN(server) ? 0 : server - Date.now();
  const left = root.querySelector("[data-hold-left]");
  const clock = root.querySelector("[data-hold-clock]");
  const status = root.querySelector("[data-hold-status]");
  let warned = false;

  const tick = () => {
    const seconds = (expires - (Date.now() + skew)) / 1000;
    if (clock) clock.textContent = clockText(seconds);
    if (left instanceof HTMLElement) left.hidden = false;
    if (seconds <= 0) {
      root.classList.remove("is-late");
      root.classList.add("is-over");
      const text = templateText(root, "template[data-hold-over]");
      const shown = root.querySelector("[data-hold-text]");
      if (shown) shown.textContent = text;
      if (left instanceof HTMLElement) left.hidden = true;
      if (status) status.textContent = text;
      root.dispatchEvent(new CustomEvent("hold:over", { bubbles: true }));
      return;
    }
    if (seconds <= WARN_SECONDS && !warned) {
      warned = true;
      root.classList.add("is-late");
      if (status) status.textContent = templateText(root, "template[data-hold-late]");
    }
    window.setTimeout(tick, Math.max(200, (seconds % 1) * 1000 || 1000));
  };
  tick();
}

onEach("[data-hold]", startHold);
