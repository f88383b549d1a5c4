/**
 * The ticket machine and the survey at the exit: printing, the keys on the screen, and back to the start when nobody touches it. Without scripts the machine works by
 * links and the keyboard.
 */

import "../ui/page.js";

const page = document.querySelector("[data-machine]");
const set = page instanceof HTMLElement ? page.dataset : {};
const home = set.machine ?? "";
const start = set.start || home;
const idleMs = Number(set.idle || 60) * 1000;
/** @type {number | undefined} */
let timer;

function awake() {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    if (window.location.pathname !== home) window.location.assign(start);
  }, idleMs);
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
