/** Small helpers shared by the modules. No text for people stands in scripts: it comes from the page. */

/**
 * Runs `start` on every element that matches, now and after htmx has put new content in the page.
 * @param {string} selector
 * @param {(element: HTMLElement) => void} start
 */
export function onEach(selector, start) {
  /** @type {WeakSet<Element>} */
  const seen = new WeakSet();
  const run = (/** @type {ParentNode} */ root) => {
    for (const element of root.querySelectorAll(selector)) {
      if (seen.has(element)) continue;
      seen.add(element);
      start(/** @type {HTMLElement} */ (element));
    }
  };
  run(document);
  document.addEventListener("htmx:load", (event) => {
    const target = /** @type {Element} */ (event.target);
    run(target.parentElement ?? document);
  });
}

/**
 * Text of a `<template>` inside `root`.
 * @param {Element} root
 * @param {string} selector
 * @returns {string}
 */
export function templateText(root, selector) {
  const template = root.querySelector(selector);
  return template instanceof HTMLTemplateElement ? (template.content.textContent ?? "").trim() : "";
}

/**
 * Whether keys typed now belong to a text box.
 * @param {EventTarget | null} target
 */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["button", "checkbox", "radio", "submit", "reset"].includes(target.type);
}
