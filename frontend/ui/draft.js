import { onEach } from "./dom.js";

const PREFIX = "draft:";

/**
 * Keeps what is typed in `form[data-draft="name"]` in this tab (sessionStorage) and puts it back when the page is opened again.
 * Left out: passwords, files, hidden inputs, and everything under `data-no-draft`. A form that the server filled after an error
 * (`data-bound`) is not touched. A page that carries `<meta name="draft-clear" content="name">` (the one shown after success) ends it.
 */

/** @param {Element} control */
function kept(control) {
  if (control.closest("[data-no-draft]")) return false;
  if (control instanceof HTMLInputElement) return !["password", "file", "hidden", "submit", "button"].includes(control.type) && control.name !== "";
  return (control instanceof HTMLTextAreaElement || control instanceof HTMLSelectElement) && control.name !== "";
}

/**
 * @param {HTMLFormElement} form
 * @returns {Record<string, string[]>}
 */
export function readDraft(form) {
  /** @type {Record<string, string[]>} */
  const values = {};
  for (const control of form.elements) {
    if (!kept(control)) continue;
    const input = /** @type {HTMLInputElement} */ (control);
    const list = (values[input.name] ??= []);
    if ((input.type === "checkbox" || input.type === "radio") && !input.checked) continue;
    list.push(input.value);
  }
  return values;
}

/**
 * @param {HTMLFormElement} form
 * @param {Record<string, string[]>} values
 */
export function writeDraft(form, values) {
  /** @type {Record<string, number>} */
  const next = {};
  for (const control of form.elements) {
    if (!kept(control)) continue;
    const input = /** @type {HTMLInputElement} */ (control);
    const list = values[input.name];
    if (!list) continue;
    if (input.type === "checkbox" || input.type === "radio") {
      input.checked = list.includes(input.value);
      continue;
    }
    const index = next[input.name] ?? 0;
    next[input.name] = index + 1;
    if (index < list.length) input.value = list[index];
    if (input.value !== "") input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** @param {HTMLElement} element */
function start(element) {
  if (!(element instanceof HTMLFormElement)) return;
  const key = PREFIX + (element.dataset.draft || location.pathname);
  try {
    const stored = sessionStorage.getItem(key);
    if (stored && element.dataset.bound === undefined) writeDraft(element, JSON.parse(stored));
  } catch {
    sessionStorage.removeItem(key);
  }
  /** @type {number | undefined} */
  let timer;
  const save = () => {
    try {
      sessionStorage.setItem(key, JSON.stringify(readDraft(element)));
    } catch {
      /* storage is full or off: the form works without it */
    }
  };
  element.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(save, 300);
  });
  element.addEventListener("submit", save);
  window.addEventListener("pagehide", () => {
    if (timer !== undefined) save();
  });
}

for (const meta of document.querySelectorAll('meta[name="draft-clear"]')) {
  sessionStorage.removeItem(PREFIX + (meta.getAttribute("content") ?? ""));
}
onEach("form[data-draft]", start);
