import { onEach } from "./dom.js";

/** What both sides use: menus, dialogs, printing, wide tables opened at today, focus on the error summary. Everything works without it, by plain links and forms. */

/** @param {HTMLElement} menu */
function startMenu(menu) {
  const details = /** @type {HTMLDetailsElement} */ (menu);
  document.addEventListener("click", (event) => {
    if (details.open && event.target instanceof Node && !details.contains(event.target)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary")?.focus();
    event.stopPropagation();
  });
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !details.contains(event.relatedTarget)) details.open = false;
  });
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target.closest("[data-opens], [data-closes], [data-print], [data-copy]") : null;
  if (!(target instanceof HTMLElement)) return;
  if (target.dataset.opens) {
    const dialog = document.getElementById(target.dataset.opens);
    if (!(dialog instanceof HTMLDialogElement)) return;
    event.preventDefault();
    dialog.showModal();
  } else if (target.dataset.closes !== undefined) {
    target.closest("dialog")?.close();
  } else if (target.dataset.print !== undefined) {
    event.preventDefault();
    window.print();
  } else if (target.dataset.copy !== undefined) {
    const source = document.getElementById(target.dataset.copy ?? "");
    void navigator.clipboard?.writeText((source?.textContent ?? "").trim()).then(() => {
      const done = target.querySelector("[data-copied]");
      if (done instanceof HTMLElement) done.hidden = false;
    });
  }
});

onEach("[data-menu]", startMenu);
onEach("[data-needs-script]", (element) => {
  element.hidden = false;
});
onEach("[data-scroll-to-now]", (box) => {
  const now = box.querySelector('[aria-current="date"]');
  const names = box.querySelector("tbody th");
  if (!now || !names) return;
  void document.fonts.ready.then(() => {
    if (box.scrollWidth > box.clientWidth) box.scrollLeft += now.getBoundingClientRect().left - names.getBoundingClientRect().right;
  });
});
onEach("[data-autofocus]", (element) => element.focus({ preventScroll: false }));
