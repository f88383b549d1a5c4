/**
 * Whose turn it is, as the server reckons it (`domain/reception/rules.py`); both are proved by the same vectors. Times are milliseconds
 * since 1970, spans are minutes.
 *
 * @typedef {{ near: number, late: number, back: number, most: number }} Terms
 * @typedef {{ code: string, letter: string, name: string, procedures: string[], languages: string[], windows: number[], ahead: number }} Group
 */

const MINUTE = 60_000;

/**
 * The moment as of which a party queues.
 * @param {Terms} terms @param {{ ahead: number }} group @param {number} came @param {number | null} booked
 */
export function rank(terms, group, came, booked) {
  if (booked === null || came > booked + terms.late * MINUTE) return came;
  const fromThen = Math.max(came, booked - terms.near * MINUTE);
  return Math.min(came, fromThen - group.ahead * MINUTE);
}

/**
 * Where who did not answer a call queues again.
 * @param {Terms} terms @param {number} before @param {number} now
 */
export function rankAfterMissing(terms, before, now) {
  return Math.max(before, now + terms.back * MINUTE);
}

/**
 * The group a visit begins with.
 * @template {{ procedures: string[], languages: string[] }} G
 * @param {G[]} groups @param {string[]} wanted @param {string} language @returns {G | null}
 */
export function groupFor(groups, wanted, language) {
  for (const needed of [wanted, wanted.slice(0, 1)]) {
    const able = groups.filter((group) => needed.every((code) => group.procedures.includes(code)));
    const found = able.find((group) => group.languages.includes(language)) ?? able.find((group) => !group.languages.length) ?? able[0];
    if (found) return found;
  }
  return null;
}

/** @param {string} letter @param {number} number */
export function showNumber(letter, number) {
  return letter + String(number).padStart(3, "0");
}
