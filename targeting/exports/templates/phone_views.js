"use strict";
// What each view shows. All of them are given the walk and the last knocks by door.

const clock = (visit) => {
  const moment = new Date(visit.at);
  return `${moment.getHours()}:${String(moment.getMinutes()).padStart(2, "0")}`;
};

function heading(stop) {
  return el("h1", {}, el("span", { class: `order ${stop.side ?? "odd"}` }, String(stop.order)),
    el("span", {}, stop.address));
}

// -- a door ---------------------------------------------------------------------------------------

function showDoor(walk, known) {
  const { door } = walk;
  const visit = known.get(door.key);
  const noted = visit && el("p", { class: "noted" },
    walk.say("noted_at", { outcome: walk.book.outcomes[visit.outcome], time: clock(visit) }), " ",
    button(walk.say("erase"), () => {
      erase(walk.state, visit);
      walk.keep(walk.say("erased"));
    }));
  return [
    heading(door.stop),
    el("p", { class: "about" }, door.stop.about),
    el("h2", {}, [door.group.name, door.place].filter(Boolean).join(" · ")),
    door.memory && el("p", { class: "memory" }, door.memory),
    noted ?? "",
    door.closed ? el("p", { class: "closed" }, walk.say("do_not_knock"))
      : walk.isOver ? "" : outcomeButtons(walk),
    walk.isOver ? "" : bulkButtons(walk, known),
    el("div", { class: "steps" }, button(walk.say("previous"), () => walk.step(-1)),
      button(walk.say("skip"), () => walk.step(1))),
    corrections(walk, door.stop),
    themes(walk),
  ].map((part) => part || "");
}

function outcomeButtons(walk) {
  return el("div", { class: "outcomes", role: "group", "aria-label": walk.say("outcome") },
    Object.entries(walk.book.outcomes).map(([code, word]) =>
      button(word, () => walk.answer([walk.door], code), { class: roleOf(walk.book, code) })));
}

// Many doors in one action: only those that have no result yet.
function bulkButtons(walk, known) {
  const sets = together(walk.doors, walk.door);
  const { stop } = walk.door;
  const { nobody, shut } = walk.book.roles;
  const offers = [
    ["all_floor", sets.floor, nobody], ["all_stop", sets.stop, nobody],
    ["all_shut", sets.stop, shut], ["all_side", sets.side, nobody],
  ];
  const made = [];
  let before = 0;
  for (const [key, doors, outcome] of offers) {
    const left = unanswered(doors, known);
    if (left.length < 2 || (key !== "all_shut" && left.length === before)) continue;
    if (key !== "all_shut") before = left.length;
    const words = walk.say(key, { count: left.length, street: stop.street, side: stop.side_word });
    made.push(button(words, () => walk.answer(left, outcome)));
  }
  return made.length ? el("div", { class: "bulk" }, made) : null;
}

function corrections(walk, stop) {
  const told = new Set(walk.state.corrections.map(String));
  const row = ([code, word]) => {
    const one = [stop.order, code];
    const on = told.has(String(one));
    return button(word, () => {
      walk.state.corrections = on
        ? walk.state.corrections.filter((other) => String(other) !== String(one))
        : [...walk.state.corrections, one];
      walk.opened.add("corrections");
      walk.keep("");
    }, { "aria-pressed": on });
  };
  return folded(walk, "corrections", Object.entries(walk.book.corrections).map(row));
}

function themes(walk) {
  const row = ([code, word]) => {
    const count = walk.state.themes[code] ?? 0;
    const add = (by) => {
      walk.state.themes[code] = Math.max(count + by, 0);
      walk.opened.add("themes");
      walk.keep("");
    };
    return el("p", { class: "tally" }, el("span", {}, word),
      button("−", () => add(-1), { disabled: !count, "aria-label": walk.say("less", { theme: word }) }),
      el("output", {}, String(count)),
      button("+", () => add(1), { "aria-label": walk.say("more", { theme: word }) }));
  };
  return folded(walk, "themes", [el("p", {}, walk.say("themes_help", { count: FEWEST_TALKS })),
    ...Object.entries(walk.book.themes).map(row)]);
}

function folded(walk, name, inside) {
  const box = el("details", { class: name, open: walk.opened.has(name) },
    el("summary", {}, walk.say(name)), inside);
  box.addEventListener("toggle", () => {
    if (box.open) walk.opened.add(name);
    else walk.opened.delete(name);
  });
  return box;
}

// -- the list -------------------------------------------------------------------------------------

function showList(walk, known) {
  return walk.book.stops.map((stop) => {
    const doors = walk.doors.filter((door) => door.stop === stop);
    const open = doors.filter((door) => !door.closed);
    const left = unanswered(open, known).length;
    const count = open.length ? walk.say("of_doors", { done: open.length - left, all: open.length })
      : walk.say("do_not_knock");
    const box = el("details", { class: left ? "stop" : "stop full" }, el("summary", {}, heading(stop),
      el("span", { class: "count" }, count)));
    const fill = () => {
      if (box.open && box.childElementCount === 1) box.append(...listDoors(walk, stop, doors, known));
    };
    box.addEventListener("toggle", fill);
    box.open = stop === walk.door.stop;
    fill();
    return box;
  });
}

function listDoors(walk, stop, doors, known) {
  return [el("p", { class: "about" }, stop.about), ...stop.groups.map((group) => {
    const own = doors.filter((door) => door.group === group);
    const left = unanswered(own, known);
    return el("section", {},
      group.name ? el("h2", {}, group.name) : "",
      el("ul", {}, own.map((door) => el("li", {}, listDoor(walk, door, known.get(door.key))))),
      left.length > 1 && !walk.isOver ? button(walk.say("all_here", { count: left.length }),
        () => walk.answer(left, walk.book.roles.nobody), { class: "bulk" }) : "");
  })];
}

function listDoor(walk, door, visit) {
  const result = visit ? `${walk.book.outcomes[visit.outcome]} ${clock(visit)}` : "";
  if (door.closed) return el("p", { class: "closed" }, `${door.place} · ${walk.say("do_not_knock")}`);
  return button([el("span", {}, door.place), el("em", {}, result || door.memory)],
    () => walk.go(door), { class: visit ? "row done" : "row",
      "aria-current": door === walk.door ? "true" : null });
}

// -- the map --------------------------------------------------------------------------------------

function showMap(walk, known) {
  const { map } = walk.book;
  const look = {
    order: walk.door.stop.order,
    done: (orders) => !unanswered(walk.doors.filter((d) => orders.includes(d.stop.order)), known).length,
  };
  const svg = drawMap(map, walk.book.stops, look, (order) => walk.goStop(order));
  walk.moves = movable(svg, map.width, map.height, walk.door.stop);
  const act = (sign, key, does) => button(sign, does, { "aria-label": walk.say(key), title: walk.say(key) });
  return [
    el("p", { class: "here" }, walk.say("here", { order: look.order, address: walk.door.stop.address })),
    el("div", { class: "frame" }, svg, el("div", { class: "zoom" },
      act("+", "zoom_in", () => walk.moves.zoom(0.6)), act("−", "zoom_out", () => walk.moves.zoom(1.6)),
      act("◎", "zoom_here", () => walk.moves.near()), act("▣", "zoom_all", () => walk.moves.whole()))),
    el("p", { class: "small" }, map.legend),
    el("p", { class: "small" }, walk.book.credits),
  ];
}

// -- giving back ----------------------------------------------------------------------------------

function showEnd(walk, known) {
  const far = progress(walk.book, walk.doors, known);
  const counts = Object.entries(walk.book.outcomes).map(([code, word]) => {
    const count = [...known.values()].filter((visit) => visit.outcome === code).length;
    return count ? el("li", {}, el("strong", {}, String(count)), ` ${word}`) : "";
  });
  const fresh = walk.state.given < walk.state.sequence + walk.state.undone.length;
  return [
    el("h1", {}, far.left ? walk.say("end_left", { count: far.left }) : walk.say("end_done")),
    el("ul", { class: "counts" }, counts),
    el("p", { class: fresh ? "fresh" : "" }, walk.say(fresh ? "not_given" : "given")),
    el("div", { class: "give" },
      button(walk.say("give_file"), () => giveFile(walk), { class: "main" }),
      typeof navigator.canShare === "function" ? button(walk.say("give_share"), () => shareFile(walk)) : "",
      button(walk.say("give_codes"), () => showFrames(walk))),
    el("p", { class: "small" }, walk.say("give_help")),
    el("div", { class: "chain", "aria-live": "off" }),
    themes(walk),
    el("p", { class: "small" }, `${walk.book.stop} · ${walk.book.notice}`),
    el("p", { class: "small" }, `${walk.book.facts} · ${walk.book.printed}`),
    el("p", { class: "small" }, walk.book.until),
    button(walk.say("forget"), (event) => askForget(walk, event.target, fresh), { class: "forget" }),
  ];
}

async function sealedReturn(walk) {
  const given = walk.state.sequence + walk.state.undone.length;
  const sealed = await walk.keeper.give(givenBack(walk.book, walk.state, new Date().toISOString()));
  return { sealed, given };
}

function noteGiven(walk, given) {
  walk.state.given = given;
  walk.keep(walk.say("given"));
}

function returnFile(walk, sealed, ending) {
  const day = new Date().toISOString().slice(0, 16).replace(/[-:]/g, "").replace("T", "-");
  const text = JSON.stringify({ format: "relance-return/1", sealed: toBase64(sealed) });
  return new File([text], `retour-${walk.book.turf}-${day}.relance.${ending}`, { type: "text/plain" });
}

async function giveFile(walk) {
  const { sealed, given } = await sealedReturn(walk);
  const file = returnFile(walk, sealed, "json");
  const link = el("a", { href: URL.createObjectURL(file), download: file.name });
  app.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  noteGiven(walk, given);
}

// Phones share texts more readily than JSON; the desk looks at the content alone.
async function shareFile(walk) {
  const { sealed, given } = await sealedReturn(walk);
  const shared = { files: [returnFile(walk, sealed, "txt")] };
  if (!navigator.canShare(shared)) {
    walk.keep(walk.say("no_share"));
    return;
  }
  try {
    await navigator.share(shared);
    noteGiven(walk, given);
  } catch (error) {
    if (error.name !== "AbortError") walk.keep(walk.say("no_share"));
  }
}

// Codes one after another, twice a second, until the desk has them all.
async function showFrames(walk) {
  const { sealed, given } = await sealedReturn(walk);
  const texts = frames(sealed);
  const box = walk.main.querySelector(".chain");
  let at = 0;
  const face = el("div", { class: "code", role: "img" });
  const place = el("output", {});
  const turn = (by) => {
    at = (at + by + texts.length) % texts.length;
    face.replaceChildren(qrImage(qrSquare(texts[at])));
    face.setAttribute("aria-label", walk.say("code", { number: at + 1, count: texts.length }));
    place.textContent = walk.say("code", { number: at + 1, count: texts.length });
  };
  let playing = false;
  const play = (on) => {
    walk.stopFrames();
    playing = on;
    if (on) walk.turning = setInterval(() => turn(1), FRAME_MS);
    pause.textContent = walk.say(on ? "pause" : "play");
  };
  const pause = button("", () => play(!playing));
  const manual = (by) => {
    play(false);
    turn(by);
  };
  box.replaceChildren(el("p", {}, walk.say("codes_help")), face, place, el("div", { class: "steps" },
    button("◀", () => manual(-1), { "aria-label": walk.say("previous") }),
    pause,
    button("▶", () => manual(1), { "aria-label": walk.say("next_code") })),
    button(walk.say("codes_done"), () => noteGiven(walk, given), { class: "main" }));
  turn(0);
  play(texts.length > 1 && !matchMedia("(prefers-reduced-motion: reduce)").matches);
  box.scrollIntoView();
}

function qrImage(square) {
  const edge = square.length + 8;
  const dark = square.flatMap((row, y) => row.map((bit, x) => (bit ? `M${x + 4} ${y + 4}h1v1h-1z` : "")));
  return shape("svg", { viewBox: `0 0 ${edge} ${edge}`, "shape-rendering": "crispEdges" },
    shape("rect", { width: edge, height: edge, fill: "#fff" }),
    shape("path", { d: dark.join(""), fill: "#000" }));
}

// Two taps apart, and a word of warning where something was not given back.
function askForget(walk, pressed, fresh) {
  const sure = el("div", { class: "sure", role: "alert" },
    el("p", {}, walk.say(fresh ? "forget_fresh" : "forget_sure")),
    button(walk.say("forget_yes"), () => {
      walk.keeper.forget();
      walk.stopFrames();
      location.reload();
    }), button(walk.say("forget_no"), () => walk.show(), { class: "main" }));
  pressed.replaceWith(sure);
}

start();
