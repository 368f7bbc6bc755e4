"use strict";
// What a phone knows of its walk: knocks, those taken back, and what undo does next. No page here.

// `visits`: {id, door, outcome, at, sequence}, `door` as "order.number"; `undone`: ids taken back;
// `actions`: what undo takes back, last first; `themes`: of the whole turf, never of a door.
function newState() {
  return {
    sequence: 0, visits: [], undone: [], actions: [], themes: {}, corrections: [], door: null,
    given: 0,
  };
}

// The doors of a book in walking order, each with its stop and its floor.
function allDoors(book) {
  return book.stops.flatMap((stop) => stop.groups.flatMap((group) => group.doors.map((door) => ({
    ...door, stop, group, key: `${stop.order}.${door.number}`,
  }))));
}

// The last knock at each door, by door.
function answers(state) {
  const found = new Map();
  for (const visit of state.visits) {
    const known = found.get(visit.door);
    if (!known || known.sequence < visit.sequence) found.set(visit.door, visit);
  }
  return found;
}

// Doors of some that are open and have no result yet.
function unanswered(doors, known) {
  return doors.filter((door) => !door.closed && !known.has(door.key));
}

function addVisit(state, door, outcome, at) {
  state.sequence += 1;
  const visit = { id: newId(), door, outcome, at, sequence: state.sequence };
  state.visits.push(visit);
  return visit;
}

// One result for one door or many: one action, taken back at once.
function record(state, doors, outcome, at) {
  const ids = doors.map((door) => addVisit(state, door.key, outcome, at).id);
  state.actions.push({ ids, outcome });
}

function takeBack(state, ids) {
  const gone = state.visits.filter((visit) => ids.includes(visit.id));
  state.visits = state.visits.filter((visit) => !ids.includes(visit.id));
  state.undone.push(...gone.map((visit) => visit.id));
  return gone;
}

// Take one result out, however old: it can be put back like any action.
function erase(state, visit) {
  takeBack(state, [visit.id]);
  state.actions.push({ erased: visit });
}

// Take the last action back. An erased knock comes back under a new id: the desk may already have
// withdrawn the old one.
function undo(state) {
  const action = state.actions.pop();
  if (!action) return null;
  if (!action.erased) {
    const gone = takeBack(state, action.ids);
    if (gone.length) state.door = gone[0].door;
    return action;
  }
  const old = action.erased;
  const visit = addVisit(state, old.door, old.outcome, old.at);
  for (const other of state.actions) {
    if (other.ids) other.ids = other.ids.map((id) => (id === old.id ? visit.id : id));
  }
  state.door = old.door;
  return action;
}

// What another window of this phone wrote for the same book: nothing of either is lost.
function absorb(state, other) {
  state.undone = [...new Set([...state.undone, ...other.undone])];
  const known = new Set([...state.visits.map((visit) => visit.id), ...state.undone]);
  state.visits.push(...other.visits.filter((visit) => !known.has(visit.id)));
  state.visits = state.visits.filter((visit) => !state.undone.includes(visit.id));
  state.sequence = Math.max(state.sequence, other.sequence);
  for (const [theme, count] of Object.entries(other.themes)) {
    state.themes[theme] = Math.max(state.themes[theme] ?? 0, count);
  }
  const told = new Set(state.corrections.map(String));
  state.corrections.push(...other.corrections.filter((row) => !told.has(String(row))));
}

// Doors done and left, and the minutes that are left of those planned.
function progress(book, doors, known) {
  const open = doors.filter((door) => !door.closed);
  const left = open.filter((door) => !known.has(door.key)).length;
  const minutes = open.length ? Math.ceil((book.minutes * left) / open.length) : 0;
  return { done: open.length - left, left, minutes };
}

// The next open door without a result, after this one, else from the beginning.
function nextDoor(doors, known, key) {
  const at = doors.findIndex((door) => door.key === key);
  const around = [...doors.slice(at + 1), ...doors.slice(0, at + 1)];
  return unanswered(around, known)[0] ?? null;
}

// Doors that one action may answer: the floor, the building, the side of the street.
function together(doors, door) {
  const stop = doors.filter((other) => other.stop === door.stop);
  const floor = door.group.name ? stop.filter((other) => other.group === door.group) : [];
  const side = door.stop.side && doors.filter((other) =>
    other.stop.street === door.stop.street && other.stop.side === door.stop.side);
  return { floor, stop, side: side || [] };
}

// Themes leave the phone only with so many conversations that none can be told from them.
const FEWEST_TALKS = 11;

const talks = (book, state) =>
  state.visits.filter((visit) => visit.outcome === book.roles.talk).length;

// What an outcome is asked for, so that its button has its colour; nothing for most.
function roleOf(book, outcome) {
  return Object.keys(book.roles).find((role) => book.roles[role] === outcome) ?? null;
}

// Whether the book's last day is past, by this phone's clock: it takes no more results, and gives
// back what it has.
function isOver(book, now) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return Boolean(book.last_day) && day > book.last_day;
}

// What the desk reads: field/phone_return.py.
function givenBack(book, state, at) {
  const place = new Map(book.stops.map((stop, n) => [String(stop.order), n]));
  const row = (visit) => {
    const [order, number] = visit.door.split(".");
    const { id, outcome, sequence } = visit;
    return [id, place.get(order), Number(number), outcome, visit.at, sequence];
  };
  return {
    turf: book.turf,
    made_on: book.made_on,
    exported_at: at,
    buildings: book.stops.map((stop) => stop.building),
    visits: state.visits.map(row),
    undone: state.undone,
    themes: talks(book, state) >= FEWEST_TALKS ? state.themes : {},
    corrections: state.corrections.map(([order, kind]) => [place.get(String(order)), kind]),
  };
}
