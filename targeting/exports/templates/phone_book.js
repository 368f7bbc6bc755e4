"use strict";
// The page: unlock, then a door at a time, the list, the map, and what is given back.

const held = JSON.parse(document.getElementById("held").textContent);
const app = document.getElementById("app");
const DOUBLE_TAP_MS = 350;
const FRAME_MS = 500;

// An element: its facts (class, on…, attributes), then what is inside; text is never markup.
function el(name, facts = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (value === null || value === false || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...inside.flat().filter((part) => part !== null && part !== undefined && part !== ""));
  return made;
}

const button = (text, act, facts = {}) => el("button", { type: "button", onclick: act, ...facts }, text);

// -- locked ---------------------------------------------------------------------------------------

function showLock(message = "") {
  const words = held.words;
  const field = el("input", {
    id: "phrase", name: "phrase", autocomplete: "off", autocapitalize: "none", spellcheck: "false",
    required: true, "aria-describedby": "told",
  });
  const told = el("p", { id: "told", role: "alert" }, message);
  const open = el("button", { class: "main" }, words.open);
  const form = el("form", {}, el("h1", {}, words.title), el("label", { for: "phrase" }, words.phrase),
    field, open, told);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    open.disabled = true;
    told.textContent = words.opening;
    const reason = await tryPhrase(field.value);
    open.disabled = false;
    told.textContent = reason;
    field.focus();
  });
  app.replaceChildren(form);
  field.focus();
}

// Opens the book; else says why not.
async function tryPhrase(phrase) {
  let key;
  let sealed;
  try {
    sealed = fromBase64(held.sealed);
    key = await unlock(sealed, phrase);
  } catch (error) {
    return error instanceof WrongPhrase ? held.words.wrong : held.words.damaged;
  }
  let book;
  try {
    book = JSON.parse(toText(await openSealed(sealed, key, "book")));
  } catch {
    return held.words.damaged;
  }
  const walk = new Walk(book, sealed, key);
  await walk.begin();
  return "";
}

function start() {
  if (globalThis.crypto?.subtle) showLock();
  else app.replaceChildren(el("h1", {}, held.words.title), el("p", { role: "alert" }, held.words.no_crypto));
}

// -- open -----------------------------------------------------------------------------------------

class Walk {
  constructor(book, sealed, key) {
    this.book = book;
    this.warnings = new Set();
    this.keeper = new Keeper(sealed, key, (what) => this.warnings.add(what));
    this.doors = allDoors(book);
    this.byKey = new Map(this.doors.map((door) => [door.key, door]));
    this.view = "door";
    this.opened = new Set();
    this.tapped = 0;
    this.said = "";
  }

  async begin() {
    this.state = (await this.keeper.load()) ?? newState();
    this.keeper.watch((other) => this.merge(other));
    navigator.storage?.persist?.().catch(() => false);
    if (!this.byKey.has(this.state.door)) this.state.door = this.firstDoor();
    if (this.isOver) this.view = "end";
    document.title = this.book.turf;
    this.header = el("header", { class: "top" });
    this.main = el("main", { tabindex: "-1" });
    this.nav = el("nav", { "aria-label": this.say("views") });
    this.status = el("p", { class: "said", role: "status" });
    app.replaceChildren(this.header, this.main, this.status, this.nav);
    document.addEventListener("keydown", (event) => this.press(event));
    addEventListener("beforeprint", () => this.print());
    this.show();
  }

  say(key, blanks = {}) {
    let text = this.book.words[key];
    if (text === undefined) text = this.book.words[`${key}.${this.isOne(blanks.count) ? "one" : "many"}`];
    return text.replace(/\{(\w+)\}/g, (_, name) => String(blanks[name]));
  }

  isOne(count) {
    return count === 1 || (count === 0 && this.book.language === "fr");
  }

  get known() {
    return answers(this.state);
  }

  get isOver() {
    return isOver(this.book, new Date());
  }

  get door() {
    return this.byKey.get(this.state.door);
  }

  firstDoor() {
    return (nextDoor(this.doors, this.known, null) ?? this.doors[0]).key;
  }

  merge(other) {
    absorb(this.state, other);
    const more = this.state.visits.length > other.visits.length
      || this.state.undone.length > other.undone.length;
    if (more) this.keeper.save(this.state);
    this.show();
  }

  // -- what a tap does --

  keep(said) {
    this.said = said;
    this.keeper.save(this.state).then(() => this.showWarnings());
    this.show();
  }

  // One result, then the next door. A second tap at once is a slip of the finger.
  answer(doors, outcome) {
    const now = Date.now();
    if (now - this.tapped < DOUBLE_TAP_MS || !doors.length) return;
    if (this.isOver) {
      this.turnTo("end");
      return;
    }
    this.tapped = now;
    const last = doors[doors.length - 1];
    record(this.state, doors, outcome, new Date(now).toISOString());
    const next = nextDoor(this.doors, this.known, doors.length > 1 ? this.state.door : last.key);
    const word = this.book.outcomes[outcome];
    const said = doors.length > 1
      ? this.say("noted_many", { outcome: word, count: doors.length })
      : this.say("noted", { outcome: word, door: `${last.stop.address}, ${last.place}` });
    if (next) this.state.door = next.key;
    else this.view = "end";
    this.keep(said);
    this.top();
  }

  undoLast() {
    const action = undo(this.state);
    if (!action) return;
    this.view = this.view === "end" ? "door" : this.view;
    this.keep(this.say(action.erased ? "put_back" : "taken_back"));
  }

  go(door) {
    this.state.door = door.key;
    this.view = "door";
    this.keep("");
    this.top();
  }

  goStop(order) {
    const doors = this.doors.filter((door) => door.stop.order === order);
    this.go(unanswered(doors, this.known)[0] ?? doors[0]);
  }

  step(by) {
    const at = this.doors.indexOf(this.door);
    this.go(this.doors[(at + by + this.doors.length) % this.doors.length]);
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches?.("input")) return;
    const codes = Object.keys(this.book.outcomes);
    if (event.key === "u") this.undoLast();
    else if (this.view === "door" && event.key === "ArrowLeft") this.step(-1);
    else if (this.view === "door" && event.key === "ArrowRight") this.step(1);
    else if (this.view === "door" && /^[1-8]$/.test(event.key) && !this.door.closed) {
      this.answer([this.door], codes[Number(event.key) - 1]);
    }
  }

  top() {
    scrollTo(0, 0);
    this.main.focus({ preventScroll: true });
  }

  // -- what is seen --

  show() {
    this.stopFrames();
    const known = this.known;
    const far = progress(this.book, this.doors, known);
    const last = this.state.actions.length > 0;
    this.header.replaceChildren(
      el("strong", {}, this.book.turf),
      el("span", { class: "far" }, this.say("far", far)),
      button(this.say("undo"), () => this.undoLast(), { class: "undo", disabled: !last }),
      el("progress", { max: far.done + far.left, value: far.done, "aria-label": this.say("far", far) }));
    const views = { door: showDoor, list: showList, map: showMap, end: showEnd };
    this.nav.replaceChildren(...Object.keys(views).map((view) => button(
      this.say(`view_${view}`), () => this.turnTo(view),
      { "aria-current": view === this.view ? "page" : null })));
    this.main.className = this.view;
    const over = this.isOver ? el("p", { class: "over", role: "alert" }, this.say("over")) : "";
    this.main.replaceChildren(this.warningBox(), over, ...views[this.view](this, known));
    this.status.textContent = this.said;
    if (this.view === "map") this.moves.near();
  }

  turnTo(view) {
    this.view = view;
    this.said = "";
    this.show();
    this.top();
    if (view === "list") this.main.querySelector("details[open]")?.scrollIntoView();
  }

  warningBox() {
    return el("div", { class: "warnings", role: "alert" },
      [...this.warnings].map((what) => el("p", {}, this.say(what))));
  }

  showWarnings() {
    this.main.querySelector(".warnings")?.replaceWith(this.warningBox());
  }

  stopFrames() {
    clearInterval(this.turning);
  }

  print() {
    document.getElementById("paper")?.remove();
    const known = this.known;
    const rows = this.doors.map((door) => el("tr", {},
      el("td", {}, door.key), el("td", {}, `${door.stop.address}, ${door.place}`),
      el("td", {}, door.closed ? this.say("do_not_knock")
        : this.book.outcomes[known.get(door.key)?.outcome] ?? door.memory)));
    const heads = ["print_door", "print_place", "print_result"].map((key) => el("th", {}, this.say(key)));
    app.append(el("section", { id: "paper" }, el("h1", {}, `${this.book.turf} · ${this.book.printed}`),
      el("p", {}, this.book.facts), el("table", {}, el("thead", {}, el("tr", {}, heads)),
        el("tbody", {}, rows)), el("p", {}, this.book.notice)));
  }
}
