/**
 * The operator's page: what the telephone beside it tells (`call:ringing`, `call:ended`), or what the site has heard of another telephone system
 * (`[data-told]`), brings the caller's records and the record of the call;
 * what is done in the work area suggests the record's topic and result, until the operator has chosen.
 */

import { onEach } from "../ui/dom.js";

/** @typedef {{ ajax: (verb: string, path: string, context: object) => Promise<void>, trigger: (element: Element, name: string) => void, config: { ignoreTitle: boolean } }} Htmx */

const root = document.querySelector("[data-console]");
const htmx = /** @type {Htmx} */ (/** @type {unknown} */ (/** @type {any} */ (window).htmx));

/** @param {string} selector */
const find = (selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

/** Whether the record on the page holds what nobody has saved yet. */
function unsaved() {
  const form = find("#record-form");
  return form instanceof HTMLFormElement && form.dataset.dirty !== undefined && form.dataset.saved === undefined;
}

/** @typedef {{ call: string, sealed?: string, told?: string, choice_label: string, waited: number | string }} Ringing */

/** The call whose record waits until the one on the page is saved. @type {Ringing | null} */
let behind = null;
/** @type {Ringing | null} */
let latest = null;

/** @param {Ringing} ringing */
async function show(ringing) {
  const caller = find("#caller");
  if (!(root instanceof HTMLElement) || !caller || !(ringing.sealed || ringing.told)) return;
  if (caller.dataset.call === ringing.call) return;
  caller.dataset.call = ringing.call;
  latest = ringing;
  const began = performance.now();
  await htmx.ajax("POST", root.dataset.caller ?? "", {
    target: "#caller",
    swap: "innerHTML",
    values: { ...(ringing.told ? { told: ringing.told } : { sealed: ringing.sealed }), choice_label: ringing.choice_label, waited: ringing.waited },
  });
  caller.dataset.poppedIn = String(Math.round(performance.now() - began));
}

/** Brings the caller of another telephone system's call. @param {HTMLElement} one */
function showTold(one) {
  const { told = "", choice = "", waited = "" } = one.dataset;
  void show({ call: `told:${told}`, told, choice_label: choice, waited });
}

/** Calls of other telephone systems that were brought already, so that each comes by itself only once. @type {Set<string>} */
const brought = new Set();

/** Brings what is new there, the call that is talked in first. */
function lookAtTheirs() {
  for (const one of document.querySelectorAll("[data-told]")) {
    if (!(one instanceof HTMLElement) || brought.has(one.dataset.told ?? "")) continue;
    brought.add(one.dataset.told ?? "");
    showTold(one);
    return;
  }
}

/** Puts what was done into topic and result, where the operator has not chosen. */
function suggest() {
  const form = find("#record-form");
  const done = form?.querySelector("[data-topic]");
  if (!(form instanceof HTMLFormElement) || !(done instanceof HTMLElement)) return;
  const touched = /** @type {HTMLInputElement} */ (form.elements.namedItem("touched"));
  if (touched.value) return;
  for (const name of ["topic", "result"]) {
    const select = form.elements.namedItem(name);
    const value = done.dataset[name];
    if (select instanceof HTMLSelectElement && value) select.value = value;
  }
}

/** Writes the caller's number into a new booking that has none yet. */
function fillNumber() {
  const number = find("#caller [data-number]")?.dataset.number;
  const field = find("#work input[name=c_phone]");
  if (number && field instanceof HTMLInputElement && field.value === "") field.value = number;
}

/** Calls back who waits for it. @param {string} callback */
async function dial(callback) {
  if (!(root instanceof HTMLElement)) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  const answer = await fetch(root.dataset.dialUrl ?? "", { method: "POST", headers, body: new URLSearchParams({ callback }) });
  const told = await answer.json().catch(() => ({}));
  if (told.pass) find("[data-softphone]")?.dispatchEvent(new CustomEvent("phone:dial", { detail: { pass: told.pass } }));
  else window.alert(told.problem ?? "");
}

if (root) {
  document.body.addEventListener("htmx:beforeHistoryUpdate", (event) => {
    Object.assign(/** @type {CustomEvent} */ (event).detail.history, { type: "replace", path: location.pathname });
  });
  htmx.config.ignoreTitle = true;
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const detail = /** @type {CustomEvent} */ (event).detail;
    if (detail.target.id !== "record" || !unsaved()) return;
    detail.shouldSwap = false;
    behind = latest;
  });
  document.addEventListener("call:ringing", (event) => void show(/** @type {CustomEvent} */ (event).detail));
  document.addEventListener("call:connected", (event) => {
    const detail = /** @type {CustomEvent} */ (event).detail;
    if (detail.sealed) void show(detail);
    find("#work")?.querySelector("input:not([type=hidden]), select, a")?.dispatchEvent(new Event("focus"));
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-open-told]") : null;
    const one = button?.closest("[data-told]");
    if (one instanceof HTMLElement) showTold(one);
  });
  document.addEventListener("call:ended", () => {
    htmx.trigger(document.body, "work:changed");
    const topic = find("#id_topic");
    if (topic && find("#record-form")?.dataset.saved === undefined && !find("#work")?.contains(document.activeElement)) topic.focus();
  });
  document.addEventListener("input", (event) => {
    const form = event.target instanceof Element ? event.target.closest("#record-form") : null;
    if (!(form instanceof HTMLFormElement)) return;
    form.dataset.dirty = "";
    delete form.dataset.saved;
    if (event.target instanceof HTMLSelectElement && ["topic", "result"].includes(event.target.name)) {
      /** @type {HTMLInputElement} */ (form.elements.namedItem("touched")).value = "1";
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.id === "work" || target.closest?.("#work")) {
      if (find("#record-form")) htmx.trigger(document.body, "work:changed");
      fillNumber();
      if (target.id === "work") (target.querySelector("[autofocus], .error-summary, [aria-invalid]") ?? target).focus?.({ preventScroll: true });
    }
    if (target.id === "done") suggest();
    if (target.id === "theirs") lookAtTheirs();
    if (target.id === "record" && find("#record-form")?.dataset.saved !== undefined) {
      const next = find("[data-softphone][data-phase=wrapup] [data-phone-do=ready]");
      next?.click();
      const caller = find("#caller");
      if (behind && caller) {
        delete caller.dataset.call;
        void show(behind);
        behind = null;
      }
    }
  });
  onEach("[data-dial]", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => void dial(button.dataset.dial ?? ""));
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, textarea, select");
    if (event.key !== "w" || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    find("#work input:not([type=hidden]), #work select")?.focus();
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved()) event.preventDefault();
  });
}
