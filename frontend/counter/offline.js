/**
 * The reception on one tablet, with or without a network. Every deed is written into the browser first and shown from there; what is
 * kept is sent in order whenever the server answers, and forgotten only when the server says that it has it. While there is no network
 * this tablet leads the queue. The clock is the tablet's, put right by what the server's was ahead of it when last heard.
 */

import { expected, numbersLeft, replay } from "./queue.js";
import { groupFor, showNumber } from "./rank.js";
import { Store } from "./store.js";

/** @typedef {import("./queue.js").Deed} Deed */
/** @typedef {import("./queue.js").Snapshot} Snapshot */
/** @typedef {import("./queue.js").Ticket} Ticket */

const EVERY_MS = 5000;
const PATIENCE_MS = 8000;
const BATCH = 20;
const main = /** @type {HTMLElement} */ (document.querySelector("[data-tablet]"));
const form = /** @type {HTMLFormElement} */ (main.querySelector("[data-party]"));
const find = /** @type {HTMLInputElement} */ (document.getElementById("o-find"));

/** @type {Store} */
let store;
/** @type {Deed[]} */
let deeds = [];
/** @type {Snapshot | null} */
let snapshot = null;
let offset = 0;
/** @type {number | null} */
let since = null;
/** @type {{ day: string, numbers: Record<string, number[]> }} */
let printed = { day: "", numbers: {} };
/** Who this browser is, kept beside what it printed: without the one it must not have numbers under the other. */
let browser = "";
let elsewhere = false;
let token = main.dataset.csrf ?? "";
let heard = false;
/** Why the server answers and takes nothing: nobody is signed in ("out"), or somebody who may not ("barred"). @type {"" | "out" | "barred"} */
let shut = "";
let refused = 0;
let sending = false;
let problem = "";
/** @type {import("./queue.js").Booking | null} */
let chosen = null;
let drawn = "";

/** @param {string} name @param {Record<string, string | number>} [values] */
function word(name, values = {}) {
  const template = /** @type {HTMLTemplateElement | null} */ (document.querySelector(`template[data-w="${name}"]`));
  let text = template?.content.textContent ?? "";
  for (const [key, value] of Object.entries(values)) text = text.replace(`{${key}}`, String(value));
  return text;
}

/** @param {string} name */
function copy(name) {
  const template = /** @type {HTMLTemplateElement} */ (document.querySelector(`template[data-t="${name}"]`));
  return /** @type {DocumentFragment} */ (template.content.cloneNode(true));
}

/** @param {string} selector @param {ParentNode} [root] */
const place = (selector, root = document) => /** @type {HTMLElement} */ (root.querySelector(selector));
const now = () => Date.now() + offset;
/** @param {number} at */
const clock = (at) => new Date(at).toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo" });
const today = () => new Date(now()).toLocaleDateString("sv-SE", { timeZone: "Asia/Tokyo" });
/** @param {string} code */
const title = (code) => snapshot?.procedures.find((one) => one.code === code)?.title ?? code;
/** @param {Record<string, number>} parts */
const told = (parts) => Object.entries(parts).map(([code, count]) => `${title(code)} ${word("people", { n: count })}`).join("、");
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
/** @param {string} letter */
const left = (letter) => (snapshot && snapshot.day === today() ? numbersLeft(snapshot, letter, printed.day === today() ? printed.numbers[letter] ?? [] : []) : []);

/** Write a deed down, then show it. @param {string} verb @param {string} about @param {Record<string, any>} body @param {Record<string, any>} facts */
async function act(verb, about, body, facts = {}) {
  const key = newKey();
  await store.add({ key, verb, about: about || key, at: Date.now(), offset, body }, facts);
  deeds = await store.deeds();
  draw();
  void send();
}

/** @param {Record<string, number>} parts @param {string} language */
async function issue(parts, language) {
  if (!snapshot) return;
  const group = groupFor(snapshot.groups, Object.keys(parts), language);
  if (!Object.keys(parts).length) problem = word("choose");
  else if (!group) problem = word("nobody");
  else if (!left(group.letter).length) problem = word("no-numbers", { letter: group.letter });
  else problem = "";
  if (problem || !group) return draw();
  const number = left(group.letter)[0];
  const numbers = printed.day === today() ? printed.numbers : {};
  printed = { day: today(), numbers: { ...numbers, [group.letter]: [...(numbers[group.letter] ?? []), number] } };
  const data = new FormData(form);
  const people = Number(data.get("people")) || (chosen ? chosen.people : Math.max(...Object.values(parts)));
  const body = { group: group.code, number, parts, people: Math.min(people, 20), language, needs: data.getAll("need").map(String), booking: chosen?.code ?? "", booked: chosen?.at ?? null };
  chosen = null;
  form.reset();
  find.value = "";
  await act("issue", "", body, { printed });
  place("[data-number]").textContent = showNumber(group.letter, number);
  place("[data-group]").textContent = group.name;
  place("[data-time]").textContent = `${today()} ${clock(now())}`;
  /** @type {HTMLDialogElement} */ (place("[data-slip]")).showModal();
}

/** What the server does not have yet goes in order; what it has is forgotten here. */
async function send() {
  if (sending) return;
  sending = true;
  try {
    for (let more = true; more; ) {
      const batch = deeds.slice(0, BATCH);
      const begun = Date.now();
      const unused = Object.fromEntries((snapshot?.groups ?? []).map((group) => [group.letter, left(group.letter).length]));
      const answer = await fetch(main.dataset.sync ?? "", {
        method: "POST", redirect: "manual", signal: AbortSignal.timeout(PATIENCE_MS),
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ browser, unused, kept: deeds.length, deeds: batch.map(({ seq, ...deed }) => deed) }),
      });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        shut = await renewToken();
        if (!shut) continue;
        await waitFrom(now());
        break;
      }
      shut = "";
      if (answer.status >= 500) throw new Error(String(answer.status));
      if (!answer.ok) {
        refused = answer.status;
        break;
      }
      refused = 0;
      const told = await answer.json();
      offset = Math.round(told.snapshot.now - (begun + Date.now()) / 2);
      snapshot = told.snapshot;
      elsewhere = told.elsewhere;
      since = null;
      heard = true;
      const gone = batch.filter((deed) => deed.key in told.results).map((deed) => deed.seq);
      await store.confirmed(gone, { snapshot, offset, since });
      deeds = await store.deeds();
      more = gone.length > 0 && deeds.length > 0;
      if (more) draw();
    }
  } catch {
    // No network, or a server that does not answer: everything stays here and goes with the next round.
    shut = "";
    await waitFrom(now());
  }
  sending = false;
  draw();
}

/** Nothing has been sent as of then. @param {number} moment */
async function waitFrom(moment) {
  heard = true;
  if (since !== null) return;
  since = moment;
  await store.keep({ since });
}

/** After a new sign-in the page has another token; empty when it was taken over, else why there is none. @returns {Promise<"" | "out" | "barred">} */
async function renewToken() {
  const answer = await fetch(window.location.href, { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status === 403) return "barred";
  if (!answer.ok) return "out";
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-csrf]");
  const fresh = found instanceof HTMLElement ? found.dataset.csrf ?? "" : "";
  if (!fresh || fresh === token) return "out";
  token = fresh;
  return "";
}

function drawLine() {
  const line = place("[data-line]");
  line.classList.toggle("is-off", since !== null);
  place("[data-line-word]").textContent =
    since !== null ? word(shut ? "unsent" : "offline", { since: clock(since) }) : heard ? word("online") : word("preparing");
  const keeps = shut ? "kept-shut" : since === null ? "kept-sending" : "kept";
  place("[data-line-more]").textContent = deeds.length ? word(keeps, { n: deeds.length }) : word("none-kept");
  const notices = [
    problem,
    refused ? word("refused", { status: refused }) : "",
    snapshot?.clashes ? word("clashes", { n: snapshot.clashes }) : "",
    elsewhere ? word("elsewhere") : "",
    heard && !snapshot ? word("nothing-yet") : "",
    snapshot && snapshot.day !== today() ? word("other-day", { day: snapshot.day }) : "",
    "serviceWorker" in navigator ? "" : word("no-worker"),
  ].filter(Boolean);
  const place_ = place("[data-notices]");
  const says = [shut, shut && deeds.length, ...notices].join("|");
  if (place_.dataset.says === says) return;
  place_.dataset.says = says;
  const again = shut ? [copy(shut)] : [];
  for (const notice of again) place("p", notice).textContent = word(shut, { n: deeds.length });
  place_.replaceChildren(
    ...again,
    ...notices.map((text) => {
      const notice = copy("notice");
      place("p", notice).textContent = text;
      return notice;
    }),
  );
}

/** @param {Snapshot} state */
function drawTerms(state) {
  const own = JSON.stringify([state.procedures, state.languages, state.needs]);
  if (drawn === own) return;
  drawn = own;
  place("[data-procedures]").replaceChildren(
    ...state.procedures.map((one) => {
      const row = copy("procedure");
      const box = /** @type {HTMLInputElement} */ (row.querySelector("input"));
      const label = /** @type {HTMLLabelElement} */ (row.querySelector("label"));
      box.id = `o-${one.code}`;
      box.name = `n_${one.code}`;
      label.htmlFor = box.id;
      label.textContent = one.title;
      for (const [name, step] of /** @type {[string, number][]} */ ([["[data-less]", -1], ["[data-more]", 1]])) {
        const button = place(name, row);
        button.setAttribute("aria-label", `${one.title} ${button.textContent}`);
        button.addEventListener("click", () => (box.value = String(Math.min(20, Math.max(0, Number(box.value) + step)))));
      }
      return row;
    }),
  );
  place("[data-languages]").replaceChildren(...state.languages.map(([code, name]) => new Option(name, code)));
  place("[data-needs]").replaceChildren(
    ...state.needs.map(([value, label]) => {
      const row = copy("need");
      /** @type {HTMLInputElement} */ (row.querySelector("input")).value = value;
      place("span", row).textContent = label;
      return row;
    }),
  );
}

/** @param {Snapshot} state */
function drawBookings(state) {
  const asked = find.value.normalize("NFKC").toUpperCase().replace(/[\s-]/g, "");
  const rows = state.day === today() ? expected(state, deeds) : [];
  const soon = asked
    ? rows.filter((one) => one.code.includes(asked) || clock(one.at).includes(asked))
    : rows.filter((one) => Math.abs(one.at - now()) < 45 * 60_000);
  place("[data-bookings]").replaceChildren(
    ...soon.slice(0, 8).map((one) => {
      const row = copy("booking");
      place("b", row).textContent = one.shown;
      place("span", row).textContent = word("booked", { time: clock(one.at), parts: told(one.parts) });
      place("button", row).addEventListener("click", () => {
        chosen = one;
        /** @type {HTMLSelectElement} */ (form.elements.namedItem("language")).value = one.language;
        draw();
        place("[data-chosen]").scrollIntoView({ block: "nearest" });
      });
      return row;
    }),
  );
  const words = place("[data-chosen]");
  words.hidden = !chosen;
  words.textContent = chosen ? word("chosen", { code: chosen.shown, time: clock(chosen.at) }) : "";
}

/**
 * The card of one window. @param {number} number @param {Ticket | undefined} party @param {Ticket | undefined} next @param {Ticket[]} held
 */
function windowCard(number, party, next, held) {
  const card = copy("window");
  const name = word("window", { n: number });
  place("h3", card).textContent = name;
  place("[data-state]", card).textContent = party ? word(party.state, { number: party.shown }) : word("free");
  const row = place("[data-deeds]", card);
  place("article", card).classList.toggle("is-busy", Boolean(party));
  row.append(copy(party ? party.state : "next"));
  if (!party && held.length) {
    row.append(copy("held"));
    const choice = place("[data-held]", row);
    choice.append(...held.map((one) => new Option(one.shown, one.about)));
    choice.id = `o-held-${number}`;
    /** @type {HTMLLabelElement} */ (place("label.vh", row)).htmlFor = choice.id;
  }
  if (party?.state === "serve") {
    const boxes = Object.entries(party.parts).map(([code, count]) => {
      const one = copy("done-one");
      /** @type {HTMLInputElement} */ (one.querySelector("input")).value = code;
      place("span", one).textContent = `${title(code)} ${word("people", { n: count })}`;
      return one;
    });
    row.prepend(...boxes);
    const choice = place("[data-outcome]", row);
    choice.id = `o-end-${number}`;
    /** @type {HTMLLabelElement} */ (place("label.vh", row)).htmlFor = choice.id;
  }
  /** @param {string} selector */
  const chosenIn = (selector) => /** @type {HTMLSelectElement | null} */ (row.querySelector(selector))?.value ?? "";
  for (const button of row.querySelectorAll("button")) {
    button.setAttribute("aria-label", `${name} ${button.textContent}`);
    const verb = button.dataset.do ?? "";
    const ofHeld = button.dataset.of === "held";
    if (verb === "call" && !ofHeld) button.disabled = !next;
    button.addEventListener("click", () => {
      const about = ofHeld ? chosenIn("[data-held]") : party?.about ?? next?.about ?? "";
      if (!about) return;
      const procedures = [...row.querySelectorAll("input:checked")].map((box) => /** @type {HTMLInputElement} */ (box).value);
      const body = { window: number, ...(verb === "finish" ? { procedures } : {}), ...(verb === "end" ? { outcome: chosenIn("[data-outcome]") } : {}) };
      if (verb === "finish" && !procedures.length) {
        problem = word("choose");
        draw();
      } else {
        problem = "";
        void act(verb, about, body);
      }
    });
  }
  const made = /** @type {HTMLElement} */ (card.firstElementChild);
  made.dataset.window = String(number);
  return made;
}

/** Cards are made anew only where something has changed: what is ticked at another window stays. @param {Snapshot} state @param {Ticket[]} tickets */
function drawWindows(state, tickets) {
  const shelf = place("[data-windows]");
  const numbers = [...new Set([...state.groups.flatMap((group) => group.windows), ...tickets.map((one) => one.window).filter(Boolean)])];
  numbers.sort((a, b) => a - b).forEach((number, index) => {
    const party = tickets.find((one) => one.window === number && one.state !== "wait" && one.state !== "hold");
    const codes = state.groups.filter((group) => group.windows.includes(number)).map((group) => group.code);
    const own = party ? [] : tickets.filter((one) => codes.includes(one.group));
    const next = own.find((one) => one.state === "wait");
    const held = own.filter((one) => one.state === "hold");
    const mark = JSON.stringify([number, party && [party.about, party.shown, party.state, party.parts], next?.about, held.map((one) => one.about)]);
    const old = /** @type {HTMLElement | undefined} */ (shelf.children[index]);
    if (old?.dataset.says === mark) return;
    const card = windowCard(number, party, next, held);
    card.dataset.says = mark;
    const focused = old?.dataset.window === String(number) && old.contains(document.activeElement);
    if (old) old.replaceWith(card);
    else shelf.append(card);
    if (focused) place("button:not([disabled])", card)?.focus();
  });
  while (shelf.children.length > numbers.length) shelf.lastElementChild?.remove();
}

/** @param {Ticket[]} tickets */
function rowsOf(tickets) {
  return tickets.map((one) => {
    const row = copy("waiting");
    const [parts, people, came] = row.querySelectorAll("span");
    place("b", row).textContent = one.shown;
    parts.textContent = told(one.parts);
    people.textContent = word("people", { n: one.people });
    came.textContent = word("came", { time: clock(one.came) });
    return row;
  });
}

/** @param {Ticket[]} tickets */
function drawWaiting(tickets) {
  const waiting = tickets.filter((one) => one.state === "wait");
  const held = tickets.filter((one) => one.state === "hold");
  place("[data-waiting-count]").textContent = waiting.length ? word("groups", { n: waiting.length }) : word("nobody-waits");
  place("[data-waiting]").replaceChildren(...rowsOf(waiting));
  place("[data-holding]").hidden = !held.length;
  place("[data-held-count]").textContent = word("groups", { n: held.length });
  place("[data-held-list]").replaceChildren(...rowsOf(held));
}

function draw() {
  drawLine();
  if (!snapshot) return;
  drawTerms(snapshot);
  const letters = snapshot.groups.map((group) => `${group.letter} ${left(group.letter).length}`);
  place("[data-left]").textContent = word("left", { numbers: letters.join("・") });
  drawBookings(snapshot);
  const tickets = snapshot.day === today() ? replay(snapshot, deeds) : replay({ ...snapshot, tickets: [] }, deeds);
  drawWindows(snapshot, tickets);
  drawWaiting(tickets);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  /** @type {Record<string, number>} */
  const parts = {};
  for (const one of snapshot?.procedures ?? []) {
    const count = Number(data.get(`n_${one.code}`));
    if (count > 0) parts[one.code] = Math.min(count, 20);
  }
  void issue(chosen && !Object.keys(parts).length ? chosen.parts : parts, String(data.get("language") || "ja"));
});
form.addEventListener("reset", () => {
  chosen = null;
  problem = "";
  window.setTimeout(draw);
});
find.addEventListener("input", draw);
place("[data-send]").addEventListener("click", () => void send());
place("[data-print-slip]").addEventListener("click", () => window.print());

async function begin() {
  store = await Store.open(`madoguchi-tablet-${main.dataset.tablet}-${window.location.pathname}`);
  [deeds, snapshot, offset, since, printed, browser] = await Promise.all([
    store.deeds(), store.fact("snapshot").then((one) => one ?? null), store.fact("offset").then((one) => one ?? 0),
    store.fact("since").then((one) => one ?? null), store.fact("printed").then((one) => one ?? printed),
    store.fact("browser").then((one) => one ?? ""),
  ]);
  if (!browser) {
    browser = newKey();
    await store.keep({ browser });
  }
  draw();
  if ("serviceWorker" in navigator) await navigator.serviceWorker.register(main.dataset.worker ?? "").catch(() => undefined);
  void navigator.storage?.persist?.();
  await send();
  window.setInterval(() => void send(), EVERY_MS);
  window.addEventListener("online", () => void send());
}

if (navigator.locks) {
  void navigator.locks.request(`tablet ${window.location.pathname}`, { ifAvailable: true }, async (lock) => {
    if (!lock) {
      problem = word("other-tab");
      drawLine();
      return;
    }
    await begin();
    await new Promise(() => undefined);
  });
} else void begin();
