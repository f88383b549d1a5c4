/**
 * The ticket machine: printing, the keys on the screen, and back to the start when nobody touches it. Without scripts the machine works by
 * links and the keyboard.
 */

import "../ui/page.js";

const IDLE_MS = 60_000;
const page = document.querySelector("[data-machine]");
const home = page instanceof HTMLElement ? (page.dataset.machine ?? "") : "";
/** @type {number | undefined} */
let timer;

function awake() {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    if (window.location.pathname !== home) window.location.assign(home);
  }, IDLE_MS);
}
for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, awake);
awake();

for (const pad of document.querySelectorAll("[data-pad]")) {
  const box = document.getElementById(pad instanceof HTMLElement ? (pad.dataset.pad ?? "") : "");
  if (!(pad instanceof HTMLElement) || !(box instanceof HTMLInputElement)) continue;
  pad.hidden = false;
  pad.addEventListener("click", (event) => {
    const key = event.target instanceof HTMLElement ? event.target.closest("[data-sign]") : null;
    if (!(key instanceof HTMLElement)) return;
    box.value = key.dataset.sign ? box.value + key.dataset.sign : box.value.slice(0, -1);
  });
}
