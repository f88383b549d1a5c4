import { clockText } from "../ui/hold.js";
import { onEach, templateText } from "../ui/dom.js";
import { Softphone, fetchPass } from "./softphone.js";

/**
 * Gives the telephone a face: drives `[data-softphone]` as `callcentre/_softphone.html` draws it. All words come from its templates.
 *
 *   data-door, data-pass-url        where the exchange and the site's passes are
 *   data-telephone                  the operator takes calls by a SIP telephone, of which the page is the screen
 *   data-phone-sound="here|desk"     shown only where the sound is of this page, or of the telephone
 *   data-phone-do="VERB"            a button; the keys in its `aria-keyshortcuts` press it from anywhere on the page, also while typing
 *   data-phone-when="PHASE …"       shown in these phases: stopped, connecting, lost, idle, ringing, talking, held, consulting, consulted, wrapup
 *   data-phone="NAME"               text that is kept fresh: state, timer, who, choice, status (spoken), urgent and alert (spoken at once)
 *
 * Sends to the page (bubbling from the element), so that it can show the caller's records:
 *   call:ringing     detail: the call with `sealed`
 *   call:connected   detail: the call with `sealed`, `since`, and `returned` when the page came back to it
 *   call:ended       detail: {call, by, wrapup_seconds}
 * and hears `phone:dial` (detail: {pass}) to call somebody back.
 */

const REMEMBERED = "softphone-on";

/** A number as people in Japan read it. @param {string} number */
const national = (number) => number.replace(/^\+81/, "0");

/** @typedef {"microphone" | "speaker" | "ringer"} Role */

/** @param {HTMLElement} root */
export function startPanel(root) {
  const telephone = root.dataset.telephone !== undefined;
  const phone = new Softphone({ url: root.dataset.door ?? "", pass: () => fetchPass(root.dataset.passUrl ?? ""), telephone });
  const text = (/** @type {string} */ name) => templateText(root, `template[data-text="${name}"]`);
  /** @type {NodeListOf<HTMLElement>} */
  const shown = root.querySelectorAll("[data-phone-when]");
  /** @type {HTMLElement | null} */
  const transfer = root.querySelector("[data-phone-transfer]");
  /** @type {HTMLMeterElement | null} */
  const meter = root.querySelector("[data-phone-level]");
  /** @type {"" | "asked" | "consulting" | "consulted"} an attended transfer: asked for; begun, with the caller on hold; the colleague is there */
  let consulting = "";
  let reason = "";
  let wrapup = 0;
  /** @type {Notification | null} */
  let note = null;

  /**
   * @param {string} name
   * @param {string} value
   */
  const write = (name, value) => {
    for (const element of root.querySelectorAll(`[data-phone="${name}"]`)) {
      if (element.textContent !== value) element.textContent = value;
    }
  };

  const phase = () => {
    if (phone.status !== "ready") return phone.status;
    if (consulting === "consulting" || consulting === "consulted") return consulting;
    return phone.phase || (phone.state === "wrapup" ? "wrapup" : "idle");
  };

  const draw = () => {
    const now = phase();
    const named = now !== "idle" ? now : telephone && phone.state === "offline" ? "unregistered" : phone.state;
    root.dataset.phase = named;
    const focused = document.activeElement;
    for (const element of shown) {
      const elsewhere = element.dataset.phoneSound === (telephone ? "here" : "desk");
      element.hidden = elsewhere || !(element.dataset.phoneWhen ?? "").split(" ").includes(now);
    }
    if (transfer && !["talking", "held"].includes(now)) openTransfer(false);
    for (const button of root.querySelectorAll("[data-phone-do='ready'], [data-phone-do='break']")) {
      const same = button.getAttribute("data-phone-do") === phone.state;
      button.toggleAttribute("hidden", same || phone.status !== "ready" || named === "unregistered");
    }
    if (focused instanceof HTMLElement && root.contains(focused) && focused.offsetParent === null) {
      /** @type {HTMLElement | undefined} */ (visible("button[data-phone-do]")[0])?.focus();
    }
    write("state", text(telephone && named === "ringing" ? "state-ringing-desk" : `state-${named}`));
    write("status", text(`state-${named}`));
    const call = phone.call;
    write("who", call ? (call.kind === "transfer" ? text("from-colleague") : national(call.number) || text("withheld")) : "");
    write("choice", call ? [call.choice_label, call.language === "ja" ? "" : call.language].filter(Boolean).join(" ") : "");
  };

  const visible = (/** @type {string} */ selector) =>
    [...root.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement && element.offsetParent !== null);

  /** @param {boolean} open */
  const openTransfer = (open) => {
    if (!transfer || transfer.hidden === !open) return;
    transfer.hidden = !open;
    root.querySelector("[data-phone-do='transfer']")?.setAttribute("aria-expanded", String(open));
    if (open) transfer.querySelector("select")?.focus();
  };

  /** @type {Record<string, () => void>} */
  const verbs = {
    start: () => void phone.start(),
    stop: () => phone.stop(),
    ready: () => phone.setState("ready"),
    break: () => phone.setState("break"),
    answer: () => phone.answer(),
    decline: () => phone.decline(),
    hold: () => phone.hold(true),
    resume: () => phone.hold(false),
    transfer: () => openTransfer(transfer?.hidden ?? false),
    complete: () => phone.complete(),
    takeback: () => phone.takeBack(),
    hangup: () => phone.hangUp(),
    ring: () => phone.tryRing(),
    notify: () => void Notification.requestPermission().then(drawNotifying),
  };
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-phone-do]") : null;
    if (button instanceof HTMLElement) verbs[button.dataset.phoneDo ?? ""]?.();
  });
  transfer?.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (transfer));
    const attended = form.get("mode") === "attended";
    consulting = attended ? "asked" : "";
    phone.transfer(String(form.get("to") ?? ""), attended);
    openTransfer(false);
    draw();
  });
  transfer?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    openTransfer(false);
    /** @type {HTMLElement | null} */ (root.querySelector("[data-phone-do='transfer']"))?.focus();
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat || event.metaKey || event.altKey) return;
    const keys = [event.ctrlKey && "Control", event.shiftKey && "Shift", event.key].filter(Boolean).join("+");
    const [button] = visible(`[data-phone-do][aria-keyshortcuts~="${CSS.escape(keys)}"]`);
    if (!(button instanceof HTMLElement)) return;
    event.preventDefault();
    button.click();
  });
  root.addEventListener("phone:dial", (event) => phone.dial(/** @type {CustomEvent} */ (event).detail.pass));

  /**
   * @param {string} type
   * @param {object} detail
   */
  const send = (type, detail) => root.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));

  /** @param {string} value */
  const alert = (value) => write("alert", value);

  phone.addEventListener("connection", (event) => {
    const { status, code } = /** @type {CustomEvent} */ (event).detail;
    if (status === "ready") alert("");
    if (status === "ready") sessionStorage.setItem(REMEMBERED, "1");
    if (status === "stopped") sessionStorage.removeItem(REMEMBERED);
    if (status !== "ready") consulting = "";
    if (status === "stopped" && code) alert(text(`trouble-${code}`));
    draw();
  });
  phone.addEventListener("trouble", (event) => alert(text(`trouble-${/** @type {CustomEvent} */ (event).detail.code}`)));
  phone.addEventListener("refused", (event) => {
    if (consulting === "asked") consulting = "";
    alert(/** @type {CustomEvent} */ (event).detail.message);
    draw();
  });
  phone.addEventListener("state", draw);
  phone.addEventListener("ringing", (event) => {
    draw();
    alert("");
    write("urgent", text("ringing-now"));
    announce();
    send("call:ringing", /** @type {CustomEvent} */ (event).detail);
  });
  phone.addEventListener("stop_ringing", (event) => {
    const { why } = /** @type {CustomEvent} */ (event).detail;
    note?.close();
    write("urgent", "");
    alert(why === "answered" ? "" : text(`stop-${why}`));
    draw();
  });
  phone.addEventListener("connected", (event) => {
    alert("");
    consulting = "";
    draw();
    send("call:connected", { ...phone.call, .../** @type {CustomEvent} */ (event).detail });
  });
  phone.addEventListener("held", () => {
    if (consulting === "asked") consulting = "consulting";
    draw();
  });
  phone.addEventListener("consult", (event) => {
    const { state } = /** @type {CustomEvent} */ (event).detail;
    if (state === "ringing") consulting = "consulting";
    else if (state === "answered") consulting = "consulted";
    else reason = `consult-${state}`;
    alert("");
    draw();
  });
  phone.addEventListener("resumed", () => {
    alert(consulting && reason ? text(reason) : "");
    consulting = reason = "";
    draw();
  });
  phone.addEventListener("ended", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    consulting = "";
    note?.close();
    wrapup = Date.now() + detail.wrapup_seconds * 1000;
    alert(text(`ended-${detail.by}`));
    send("call:ended", detail);
    queueMicrotask(draw);
  });

  /** Tells of a call while the page is hidden; the number is not shown, for it may appear on a locked screen. */
  const announce = () => {
    if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    note = new Notification(text("ringing-now"), { body: phone.call?.choice_label ?? "", tag: "softphone", requireInteraction: true });
    note.addEventListener("click", () => {
      window.focus();
      note?.close();
    });
  };
  const drawNotifying = () => {
    const button = root.querySelector("[data-phone-do='notify']");
    button?.toggleAttribute("hidden", !("Notification" in window) || Notification.permission !== "default");
    const denied = "Notification" in window && Notification.permission === "denied";
    root.querySelector("[data-phone-notify-denied]")?.toggleAttribute("hidden", !denied);
  };

  const drawDevices = async () => {
    for (const element of root.querySelectorAll("select[data-phone-device]")) {
      const select = /** @type {HTMLSelectElement} */ (element);
      const role = /** @type {Role} */ (select.dataset.phoneDevice);
      const [system] = select.options;
      const options = (await phone.devices(role)).filter((device) => device.deviceId && device.deviceId !== "default" && device.label);
      select.replaceChildren(system, ...options.map((device) => new Option(device.label, device.deviceId)));
      select.value = phone.chosen(role);
      if (select.selectedIndex < 0) select.selectedIndex = 0;
    }
  };
  phone.addEventListener("devices", () => void drawDevices());
  root.addEventListener("change", (event) => {
    const select = event.target;
    if (select instanceof HTMLSelectElement && select.dataset.phoneDevice) {
      void phone.choose(/** @type {Role} */ (select.dataset.phoneDevice), select.value);
    }
  });

  window.setInterval(() => {
    const now = phase();
    const running = phone.status === "ready" && (now !== "wrapup" || wrapup <= Date.now());
    write("timer", running ? clockText(Math.floor(phone.elapsed())) : now === "wrapup" ? text("left") + clockText((wrapup - Date.now()) / 1000) : "");
    if (meter && meter.offsetParent !== null) meter.value = phone.level();
  }, 250);

  drawNotifying();
  draw();
  if (telephone) void phone.start();
  else if (sessionStorage.getItem(REMEMBERED)) void Softphone.granted().then((granted) => granted && phone.start());
  return phone;
}

onEach("[data-softphone]", startPanel);
