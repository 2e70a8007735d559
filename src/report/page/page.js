// The state, which is stored in the URL; the table; keys.

const data = JSON.parse(document.getElementById("data").textContent);
document.getElementById("data").remove();

/** Objects from columns: `text` looks a column's value up in the texts. */
function objects(columns, rest) {
  return columns.uid.map((uid, at) => {
    const value = (name) => columns[name][at];
    const text = (name) => data.texts[value(name)];
    const label = ["saas_file", "resource_template", "name", "cluster", "namespace"].map(text).filter((part) => part !== null).join("/");
    return { uid, label, file: text("file"), line: value("line"), repo: value("repo"), ...rest(text, value) };
  });
}

data.follow_lists = data.follow_lists.map((list) => list.map(([channel, at]) => [data.texts[channel], at]));
data.targets = objects(data.targets, (text, value) => ({
  app: text("app"), environment: text("environment"), from: text("from"), to: text("to"), decision: text("decision"), held_by: text("held_by"), reason: text("reason"),
  errors: data.error_lists[value("errors")], advice: data.advice_lists[value("advice")].map((at) => data.texts[at]), gates: data.gate_lists[value("gates")], follows: data.follow_lists[value("follows")], request: value("request") ?? undefined, lead: data.leads[value("lead")],
}));
data.publishers = objects(data.publishers, (text, value) => ({
  ref: text("ref"), commit: text("commit"), committed: value("committed") ?? undefined, subject: text("subject"), error: text("error"), deployments: value("deployments"),
}));
for (const item of data.requests) Object.assign(item, { reason: data.texts[item.reason], diffs: item.diffs || [] });
const labels = new Map([...data.publishers, ...data.targets].map(({ uid, label }) => [uid, label]));
const byUid = new Map(data.targets.map((target) => [target.uid, target]));
const main = document.getElementById("main");

const START = { view: "targets", q: "", app: "", env: "", gate: "", decision: "", sort: "decision", dir: "up", page: 0, open: "", node: "" };
const VIEWS = { targets: ["Targets", data.targets.length], requests: ["Merge requests", data.requests.length], graph: ["Graph", null], lead: ["Lead time", null], problems: ["Problems", data.problems.length] };
const DECISIONS = ["error", "hold", "promote", "up_to_date"];
let state = { ...START };

/** The URL of a state: the differences from the initial state. */
function hashOf(change) {
  const all = { ...START, ...change };
  const parts = new URLSearchParams(Object.entries(all).filter(([name, value]) => value !== START[name]).map(([name, value]) => [name, String(value)]));
  return `#${parts}`;
}

function readHash() {
  const parts = new URLSearchParams(location.hash.slice(1));
  state = { ...START };
  for (const name of Object.keys(START)) if (parts.has(name)) state[name] = parts.get(name);
  state.page = Math.max(0, Number.parseInt(state.page, 10) || 0);
  if (!VIEWS[state.view]) state.view = START.view;
  if (!COLUMNS[state.sort]) state.sort = START.sort;
}

/** Draws only the changing part of a view, so that the fields above it stay. */
let redraw = null;

/** Changes the state; `inPlace` draws only the changing part, if the view has one. */
function go(change, inPlace) {
  state = { ...state, ...change };
  try {
    // A frame without its own URL cannot store the state in it.
    if (inPlace) history.replaceState(null, "", hashOf(state));
    else history.pushState(null, "", hashOf(state));
  } catch (error) { /* the page still has the state */ }
  if (inPlace && redraw) keepingFocus(redraw);
  else draw();
}

/**
 * Keeps the focus when a part is redrawn: on the element with the same key, else on the one that
 * it names as its substitute, else on the content.
 */
function keepingFocus(act) {
  const before = document.activeElement;
  act();
  if (before === document.body || before.isConnected) return;
  const { key, other } = before.dataset;
  const keyed = [key, other].filter(Boolean).map((name) => document.querySelector(`[data-key="${CSS.escape(name)}"]:not(:disabled)`));
  (keyed.find(Boolean) || main).focus({ preventScroll: true });
}

const text = (target) => target.text ||= [target.label, target.uid, target.app, target.environment, target.from, target.to, target.held_by, target.reason, target.file, ...target.follows.map(([channel]) => channel)].join(" ").toLowerCase();

/** What each column sorts by. */
const COLUMNS = {
  target: (target) => target.label,
  decision: (target) => DECISIONS.indexOf(target.decision),
  app: (target) => `${target.app} ${target.environment}`,
  why: (target) => target.reason,
  wait: (target) => (waits(target) ? target.lead.deployed : Infinity),
};

function found() {
  const terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (target) => (!state.app || target.app === state.app) && (!state.env || target.environment === state.env) &&
    (!state.decision || target.decision === state.decision) && (!state.gate || target.held_by === state.gate) && terms.every((term) => text(target).includes(term));
  const key = COLUMNS[state.sort];
  const sign = state.dir === "down" ? -1 : 1;
  const keyed = data.targets.filter(fits).map((target) => [key(target), target]);
  keyed.sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0));
  return keyed.map(([, target]) => target);
}

let list = null;

function targetsView() {
  const values = (of) => [...new Set(data.targets.map(of).filter(Boolean))].sort();
  const search = make("input", { type: "search", id: "search", value: state.q, placeholder: "name, app, channel, commit, reason …", autocomplete: "off", spellcheck: "false" });
  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => go({ q: search.value, page: 0, open: "" }, true), 120);
  });
  const filters = make("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    make("label", { class: "search" }, "Search", search), choice("App", "app", values((target) => target.app), state.app, "all"),
    choice("Environment", "env", values((target) => target.environment), state.env, "all"), choice("Held by gate", "gate", values((target) => target.held_by), state.gate, "any"),
    choice("Decision", "decision", DECISIONS, state.decision, "all"), make("button", { class: "plain", type: "button", "data-key": "reset", onclick: () => go({ ...START }) }, "Reset"));
  list = make("div", {});
  redraw = drawList;
  drawList();
  return [make("h2", { class: "hidden-text" }, "Targets"), filters, make("p", { class: "found", id: "status", role: "status", "aria-live": "polite" }), list];
}

/** A labelled list of values that sets one part of the state. */
function choice(words, name, values, chosen, all) {
  const option = (value, shown) => make("option", { value, selected: value === chosen }, shown);
  const options = values.map((value) => option(value, name === "decision" ? value.replaceAll("_", " ") : value));
  const known = all ? [option("", all), ...options] : options;
  return make("label", {}, words, make("br"), make("select", { name, "data-key": `choice-${name}`, onchange: (event) => go({ [name]: event.target.value, page: 0, open: "", node: "" }, true) }, known));
}

function drawList() {
  const targets = found();
  const status = `${number(targets.length)} of ${plural(data.targets.length, "target")}`;
  queueMicrotask(() => { const line = document.getElementById("status"); if (line) line.textContent = status; });
  if (state.open && state.open !== "") {
    const at = targets.findIndex((target) => target.uid === state.open);
    if (at >= 0) state.page = Math.floor(at / PAGE);
  }
  const show = (part) => make("div", { class: "frame" }, table("Targets", [head("target", "Target"), head("decision", "Decision"), head("why", "Why"),
    make("th", { scope: "col", class: "wide" }, "From → to"), head("app", "App, environment", "wide"), head("wait", "Waiting", "wide", "since every publisher had deployed the commit")], part.flatMap(row), "targets", ["target", "decision", "why", "moves wide", "app wide", "wait wide"]));
  list.replaceChildren(...(targets.length ? paged(targets, state.page, show) : [nothing("No target fits.")]).filter(Boolean));
  drawTiles();
}

function head(column, words, kind, title) {
  const sorted = state.sort === column;
  const down = state.dir === "down";
  const sort = () => go({ sort: column, dir: sorted && !down ? "down" : "up", page: 0 }, true);
  return make("th", { scope: "col", class: kind, "aria-sort": sorted ? (down ? "descending" : "ascending") : "none" },
    make("button", { type: "button", "data-sort": column, "data-key": `sort-${column}`, title, onclick: sort }, words, sorted ? make("span", { "aria-hidden": "true" }, down ? " ▾" : " ▴") : null));
}

function row(target) {
  const open = state.open === target.uid;
  const id = `detail-${target.uid}`;
  const [file, template, ...rest] = target.label.split("/");
  const where = rest.splice(-2).join("/");
  const button = make("button", { class: "expand", type: "button", "data-key": `row-${target.uid}`, "aria-expanded": String(open), "aria-controls": open ? id : null },
    make("span", {}, make("span", { class: "strong" }, wrapping([file, template, ...rest].join("/"))), make("span", { class: "under" }, wrapping(where))));
  const moves = target.to === null ? make("code", {}, short(target.from)) : make("code", {}, `${short(target.from)} → ${short(target.to)}`);
  const line = make("tr", { class: open ? "row open" : "row", "data-uid": target.uid }, make("td", {}, button),
    make("td", { class: "nowrap" }, badge(target.decision), target.held_by ? make("span", { class: "gate" }, wrapping(target.held_by)) : null),
    make("td", {}, wrapping(target.reason), waitsFor(target)), make("td", { class: "wide" }, moves),
    make("td", { class: "wide" }, target.app, make("span", { class: "under" }, target.environment)), make("td", { class: "wide nowrap" }, waits(target) ? span(data.observed_at - target.lead.deployed) : ""));
  line.addEventListener("click", (event) => {
    const selecting = String(document.getSelection()) !== "";
    if (event.target.closest("a") || (selecting && !event.target.closest("button"))) return;
    toggle(target);
  });
  return open ? [line, make("tr", {}, make("td", { class: "detail", id, colspan: "6" }, details(target)))] : [line];
}

function toggle(target) {
  go({ open: state.open === target.uid ? "" : target.uid }, true);
  const line = list.querySelector(`[data-key="${CSS.escape(`row-${target.uid}`)}"]`);
  if (line) line.focus();
}

function drawTiles() {
  const count = (decision) => data.targets.filter((target) => target.decision === decision).length;
  const tile = (kind, amount, words, change) => {
    const pressed = change.decision ? state.view === "targets" && state.decision === change.decision : state.view === change.view && change.view !== "targets";
    return make("button", { class: `tile ${kind}`, type: "button", "data-key": `tile-${change.decision || change.view}`, "aria-pressed": String(pressed), onclick: () => go({ ...START, ...(pressed ? {} : change) }) }, make("strong", {}, number(amount)), words);
  };
  const errors = data.problems.filter((problem) => problem.severity === "error").length;
  document.getElementById("tiles").replaceChildren(
    tile("promote", count("promote"), "to promote", { decision: "promote" }), tile("hold", count("hold"), "held by a gate", { decision: "hold" }),
    tile("error", count("error"), "in error", { decision: "error" }), tile("calm", count("up_to_date"), "up to date", { decision: "up_to_date" }),
    tile("new", data.requests.length, data.requests.length === 1 ? "merge request" : "merge requests", { view: "requests" }), tile(errors ? "error" : "calm", data.problems.length, `${data.problems.length === 1 ? "problem" : "problems"} (${plural(errors, "error").replace(" ", "\u00a0")})`, { view: "problems" }));
}

function draw() {
  keepingFocus(drawAll);
}

function drawAll() {
  list = null;
  redraw = null;
  const show = { targets: targetsView, requests: requestsView, graph: graphView, lead: leadTimeView, problems: problemsView }[state.view];
  const links = Object.entries(VIEWS).map(([view, [words, count]]) => make("a", { href: hashOf({ view }), "data-key": `view-${view}`, "aria-current": state.view === view ? "page" : null }, words, count === null ? null : make("span", { class: "count" }, number(count))));
  document.getElementById("views").replaceChildren(...links);
  main.replaceChildren(...show().flat(Infinity).filter(Boolean));
  drawTiles();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  const search = document.getElementById("search");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    if (!search) go({ ...START });
    document.getElementById("search").focus();
  } else if (event.key === "Escape" && list && byUid.has(state.open) && !typing) {
    // A link may contain a target that this run does not have, or open a view without rows.
    toggle(byUid.get(state.open));
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && list && (event.target === search || event.target.closest(".expand"))) {
    const rows = [...list.querySelectorAll(".expand")];
    const at = rows.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    if (rows[at]) rows[at].focus();
    else if (at < 0 && search) search.focus();
  }
});
document.addEventListener("click", (event) => {
  // Without its own URL, a frame does not follow these links itself.
  const anchor = event.target.closest("a[href^='#']");
  if (!anchor || anchor.classList.contains("skip") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const parts = Object.fromEntries(new URLSearchParams(anchor.getAttribute("href").slice(1)));
  go({ ...START, ...parts });
});
for (const change of ["hashchange", "popstate"]) {
  window.addEventListener(change, () => {
    if (location.hash === "#main") return;
    readHash();
    draw();
  });
}
const failed = data.problems.find((problem) => ["run_failed", "run_interrupted"].includes(problem.code));
if (failed) {
  const banner = document.getElementById("banner");
  banner.hidden = false;
  banner.append(`This run ended early: ${failed.message}. The page shows what was known by then.`, whatToDo(failed) || "");
}
readHash();
draw();
unpacking.then(() => { document.documentElement.dataset.ready = "true"; });
