/**
 * What a tablet keeps in its browser: the last word of the server, the numbers it printed, and its deeds until the server has them.
 * A deed and its printed number are written in one transaction, before anything is shown.
 */

/** @typedef {import("./queue.js").Deed} Deed */

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
const written = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });

export class Store {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** @param {string} name */
  static async open(name) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("deeds", { keyPath: "seq", autoIncrement: true });
      request.result.createObjectStore("facts");
    };
    return new Store(await done(request));
  }

  /** @returns {Promise<Deed[]>} in the order in which they were done */
  deeds() {
    return done(this.database.transaction("deeds").objectStore("deeds").getAll());
  }

  /** @param {string} name @returns {Promise<any>} */
  fact(name) {
    return done(this.database.transaction("facts").objectStore("facts").get(name));
  }

  /** @param {Record<string, any>} facts */
  async keep(facts) {
    const transaction = this.database.transaction("facts", "readwrite");
    for (const [name, value] of Object.entries(facts)) transaction.objectStore("facts").put(value, name);
    await written(transaction);
  }

  /** @param {Omit<Deed, "seq">} deed @param {Record<string, any>} facts */
  async add(deed, facts) {
    const transaction = this.database.transaction(["deeds", "facts"], "readwrite", { durability: "strict" });
    transaction.objectStore("deeds").add(deed);
    for (const [name, value] of Object.entries(facts)) transaction.objectStore("facts").put(value, name);
    await written(transaction);
  }

  /** Forget deeds that the server has, and keep its word. @param {number[]} seqs @param {Record<string, any>} facts */
  async confirmed(seqs, facts) {
    const transaction = this.database.transaction(["deeds", "facts"], "readwrite", { durability: "strict" });
    for (const seq of seqs) transaction.objectStore("deeds").delete(seq);
    for (const [name, value] of Object.entries(facts)) transaction.objectStore("facts").put(value, name);
    await written(transaction);
  }
}
