"use strict";
// Where a phone keeps its walk: encrypted in the browser's storage under the book's id; in memory,
// and said so, where the browser keeps nothing.

class Keeper {
  constructor(sealed, key, warn) {
    this.sealed = sealed;
    this.key = key;
    this.warn = warn;
    this.header = sealed.slice(0, HEADER);
    this.name = `carnet:${Array.from(sealed.slice(4, 20), (byte) =>
      byte.toString(16).padStart(2, "0")).join("")}`;
    this.last = Promise.resolve();
  }

  async load() {
    let text = null;
    try {
      text = localStorage.getItem(this.name);
      localStorage.setItem("carnet", "1");
    } catch {
      this.warn("no_storage");
    }
    return text === null ? null : this.read(text);
  }

  // What was kept; what does not open is put aside, never overwritten.
  async read(text) {
    try {
      return JSON.parse(toText(await openSealed(fromBase64(text), this.key, "state")));
    } catch {
      localStorage.setItem(`${this.name}:${Date.now()}`, text);
      this.warn("state_damaged");
      return null;
    }
  }

  // Writes follow one another: the last state is the one that stays.
  save(state) {
    const plain = toBytes(JSON.stringify(state));
    this.last = this.last.then(async () => {
      const text = toBase64(await seal(this.header, this.key, "state", plain));
      try {
        localStorage.setItem(this.name, text);
      } catch {
        this.warn("no_storage");
      }
    });
    return this.last;
  }

  // Another window of this phone has the same book open: take over what it writes.
  watch(absorbed) {
    addEventListener("storage", async (event) => {
      if (event.key !== this.name || event.newValue === null) return;
      const other = await this.read(event.newValue);
      if (other) absorbed(other);
    });
  }

  forget() {
    try {
      localStorage.removeItem(this.name);
    } catch {
      this.warn("no_storage");
    }
  }

  async give(content) {
    const packed = await deflated(toBytes(JSON.stringify(content)));
    return seal(this.header, this.key, "return", packed);
  }
}
