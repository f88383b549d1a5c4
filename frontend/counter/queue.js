/**
 * The queue as a tablet sees it: what the server last told, and on top of it the deeds that the tablet still keeps.
 *
 * @typedef {import("./rank.js").Terms} Terms
 * @typedef {import("./rank.js").Group} Group
 * @typedef {{ about: string, shown: string, group: string, state: string, window: number, rank: number, order: number, came: number,
 *   parts: Record<string, number>, people: number, language: string, needs: string[], missed: number }} Ticket
 * @typedef {{ code: string, shown: string, at: number, parts: Record<string, number>, people: number, language: string }} Booking
 * @typedef {{ now: number, day: string, terms: Terms, groups: Group[], procedures: { code: string, title: string }[],
 *   languages: [string, string][], needs: [string, string][], blocks: { letter: string, first: number, last: number, used: number }[],
 *   bookings: Booking[], tickets: Ticket[], clashes: number }} Snapshot
 * @typedef {{ seq: number, key: string, verb: string, about: string, at: number, offset: number, body: Record<string, any> }} Deed
 */

import { rank, rankAfterMissing, showNumber } from "./rank.js";

/**
 * Tickets that are open, in the order in which they are called.
 * @param {Snapshot} snapshot @param {Deed[]} deeds @returns {Ticket[]}
 */
export function replay(snapshot, deeds) {
  /** @type {Map<string, Ticket>} */
  const tickets = new Map(snapshot.tickets.map((one) => [one.about, { ...one, parts: { ...one.parts } }]));
  for (const deed of deeds) {
    const { body } = deed;
    const now = deed.at + deed.offset;
    if (deed.verb === "issue") {
      if (tickets.has(deed.key)) continue;
      const group = snapshot.groups.find((one) => one.code === body.group);
      if (!group) continue;
      tickets.set(deed.key, {
        about: deed.key, shown: showNumber(group.letter, body.number), group: group.code, state: "wait", window: 0,
        rank: rank(snapshot.terms, group, now, body.booked ?? null), order: Number.MAX_SAFE_INTEGER / 2 + deed.seq, came: now,
        parts: { ...body.parts }, people: body.people, language: body.language, needs: body.needs, missed: 0,
      });
      continue;
    }
    const ticket = tickets.get(deed.about);
    if (!ticket) continue;
    if (deed.verb === "call") Object.assign(ticket, { state: "walk", window: body.window });
    else if (deed.verb === "begin") ticket.state = "serve";
    else if (deed.verb === "hold") Object.assign(ticket, { state: "hold", window: 0 });
    else if (deed.verb === "missed") {
      ticket.missed += 1;
      if (ticket.missed >= snapshot.terms.most) tickets.delete(deed.about);
      else Object.assign(ticket, { state: "wait", window: 0, rank: rankAfterMissing(snapshot.terms, ticket.rank, now) });
    } else if (deed.verb === "finish") {
      for (const code of body.procedures) delete ticket.parts[code];
      if (!Object.keys(ticket.parts).length) tickets.delete(deed.about);
    } else if (deed.verb === "end") tickets.delete(deed.about);
  }
  return [...tickets.values()].sort((a, b) => a.rank - b.rank || a.order - b.order);
}

/**
 * Numbers of a letter that the tablet may still print, in order.
 * @param {Snapshot} snapshot @param {string} letter @param {number[]} printed
 */
export function numbersLeft(snapshot, letter, printed) {
  const gone = new Set(printed);
  const left = [];
  for (const block of snapshot.blocks) {
    if (block.letter !== letter) continue;
    for (let number = block.first + block.used; number <= block.last; number += 1) if (!gone.has(number)) left.push(number);
  }
  return left;
}

/** Today's bookings without those whose ticket the tablet has printed. @param {Snapshot} snapshot @param {Deed[]} deeds */
export function expected(snapshot, deeds) {
  const here = new Set(deeds.filter((deed) => deed.verb === "issue").map((deed) => deed.body.booking));
  return snapshot.bookings.filter((booking) => !here.has(booking.code));
}
