import { isTyping, onEach } from "./dom.js";

/**
 * Keyboard shortcuts of staff pages. An element with `data-key="n"` (or a sequence, `data-key="g b"`) is focused when it is a text
 * box, else clicked. Not while typing, not with Ctrl/Alt/Meta. The help dialog lists every `data-key` with its `data-key-label`; the
 * check box in it turns one-character shortcuts off for this browser (WCAG 2.1.4).
 */

const OFF = "shortcuts-off";
const PAUSE_MS = 1200;

let sequence = "";
/** @type {number | undefined} */
let timer;

/** @param {string} keys */
function find(keys) {
  const all = [...document.querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)];
  return all.find((element) => element instanceof HTMLElement && element.offsetParent !== null);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.key.length !== 1) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]") || localStorage.getItem(OFF)) return;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    sequence = "";
  }, PAUSE_MS);
  const joined = sequence ? `${sequence} ${event.key}` : event.key;
  const target = find(joined) ?? find(event.key);
  sequence = target ? "" : event.key;
  if (!(target instanceof HTMLElement)) return;
  event.preventDefault();
  if (isTyping(target)) {
    target.focus();
    if (target instanceof HTMLInputElement) target.select();
  } else {
    target.click();
  }
});

onEach("[data-keys-list]", (list) => {
  for (const element of document.querySelectorAll("[data-key]")) {
    const item = /** @type {HTMLElement} */ (element);
    const label = item.dataset.keyLabel ?? item.getAttribute("aria-label") ?? item.textContent?.trim() ?? "";
    const term = document.createElement("dt");
    for (const key of (item.dataset.key ?? "").split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = label;
    list.prepend(term, meaning);
  }
});
onEach("[data-keys-toggle]", (element) => {
  const box = /** @type {HTMLInputElement} */ (element);
  box.checked = !localStorage.getItem(OFF);
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
});
