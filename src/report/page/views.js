// The views other than the table: merge requests, graph, lead time, problems.

const PAGE = 100;

/** A page of a list, with buttons for the other pages. */
function paged(list, page, show) {
  const last = Math.max(0, Math.ceil(list.length / PAGE) - 1);
  const at = Math.min(page, last);
  const part = list.slice(at * PAGE, (at + 1) * PAGE);
  const turn = (to, words, other) => make("button", { class: "plain", type: "button", "data-key": words, "data-other": other, disabled: to < 0 || to > last, onclick: () => go({ page: to, open: "" }, true) }, words);
  const pager = last === 0 ? null : make("div", { class: "pager", role: "group", "aria-label": "Pages" },
    turn(at - 1, "Previous", "Next"), make("span", {}, `${number(at * PAGE + 1)} to ${number(at * PAGE + part.length)} of ${number(list.length)}`), turn(at + 1, "Next", "Previous"));
  return [show(part), pager];
}

const nothing = (words) => make("p", { class: "quiet" }, words);

function requestsView() {
  const show = (part) => make("ul", { class: "cards" }, part.map((item) => {
    const whole = request(item);
    const changes = item.diffs.length ? make("details", {}, make("summary", {}, plural(item.diffs.length, "changed file")), whole[2].flat()) : null;
    return make("li", { class: "card" }, whole[0], whole[1], make("p", { class: "mono quiet" }, item.branch), promotions(item), changes);
  }));
  return [make("h2", {}, "Merge requests"), data.requests.length ? paged(data.requests, state.page, show) : nothing("None.")];
}

const whatToDo = (problem) => (problem.help ? make("span", { class: "under" }, `Fix: ${problem.help}`) : null);

function problemsView() {
  const row = (problem) => make("tr", {}, make("td", {}, badge(problem.severity)),
    make("td", {}, wrapping(problem.message), problem.path ? make("span", { class: "under mono" }, wrapping(problem.path)) : null, whatToDo(problem)),
    make("td", {}, problem.file ? place(problem.file, problem.line) : ""), make("td", { class: "nowrap" }, make("code", {}, problem.code)));
  const show = (part) => make("div", { class: "frame" }, table("Problems", ["Severity", "What", "Where", "Code"], part.map(row), "problems stacks"));
  return [make("h2", {}, "Problems"), data.problems.length ? paged(data.problems, state.page, show) : nothing("None.")];
}

/** Pictures by app, which are unpacked when the first one is drawn. */
let pictures = null;
let unpacking = Promise.resolve();

async function unpack() {
  const bytes = Uint8Array.from(atob(data.pictures), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const texts = (await new Response(stream).text()).split("\0");
  pictures = new Map(data.drawn.map((app, at) => [app, texts[at]]));
}

function graphView() {
  const apps = Object.keys(data.graphs);
  const heading = make("h2", {}, "Graph");
  if (!apps.length) return [heading, nothing("There are no targets.")];
  const app = () => (apps.includes(state.app) ? state.app : apps[0]);
  const chosen = choice("App", "app", apps, app());
  const tools = make("span", { class: "tools" });
  const place = make("div", {});
  const show = (picture) => {
    tools.replaceChildren(...picture.tools, make("a", { href: hashOf({ view: "targets", app: app() }) }, `Targets of ${app()} as a table`));
    place.replaceChildren(...picture.content);
  };
  const own = () => {
    const name = app();
    if (data.graphs[name]) show(tooLarge(name, data.graphs[name]));
    else if (pictures) show(drawn(name, pictures.get(name)));
    // By then, another app or another view may be selected.
    else unpacking = unpack().then(() => { if (redraw === own) own(); }, () => show({ tools: [], content: [nothing("This browser is too old to unpack the graph: draw it with sapm graph.")] }));
  };
  redraw = own;
  redraw();
  return [heading, make("div", { class: "filters" }, chosen, tools), place];
}

const LEGEND = ["Left to right: a publisher, its channel, the channel's subscribers.", "Bar and word in a box: the decision on a subscriber, or the deployment of a publisher.",
  "Dashed arrow: not deployed yet. Red arrow: failed. Red dotted arrow: closes a cycle.", "The box of a subscriber opens its row in the table."];

/** The graph of an app, and the zoom buttons. */
function drawn(app, text) {
  const frame = make("div", { class: "picture", tabindex: "0", role: "region", "aria-label": `Promotions of ${app}` });
  const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  frame.append(svg);
  const wanted = { width: Number(svg.getAttribute("width")), height: Number(svg.getAttribute("height")) };
  let zoom = 1;
  const scale = (to) => {
    zoom = Math.min(4, Math.max(0.05, to));
    svg.setAttribute("width", Math.round(wanted.width * zoom));
    svg.setAttribute("height", Math.round(wanted.height * zoom));
  };
  svg.setAttribute("role", "group");
  for (const node of svg.querySelectorAll(".target")) interactive(node);
  const button = (words, name, act) => make("button", { class: "plain", type: "button", "aria-label": name, onclick: act }, words);
  const tools = [button("−", "Smaller", () => scale(zoom / 1.25)), button("+", "Larger", () => scale(zoom * 1.25)),
    button("Fit", "Fit the width", () => scale((frame.clientWidth - 2) / wanted.width)), button("1:1", "1:1, original size", () => scale(1))];
  requestAnimationFrame(() => {
    if (wanted.width > frame.clientWidth && frame.clientWidth > 700) scale(Math.max(0.6, (frame.clientWidth - 2) / wanted.width));
    const box = svg.querySelector(".chosen .box") || firstBox(svg);
    if (box) frame.scrollTo(box.x.baseVal.value * zoom - frame.clientWidth / 2, box.y.baseVal.value * zoom - frame.clientHeight / 2);
  });
  return { tools, content: [frame, make("ul", { class: "legend" }, LEGEND.map((words) => make("li", {}, words)))] };
}

/** Where reading begins: a publisher with many subscribers is at the middle of their height. */
function firstBox(svg) {
  const at = (box) => [box.x.baseVal.value, box.y.baseVal.value];
  return [...svg.querySelectorAll(".box")].sort((a, b) => at(a)[0] - at(b)[0] || at(a)[1] - at(b)[1])[0];
}

/** Shown instead of thousands of boxes. */
function tooLarge(app, size) {
  const own = data.targets.filter((target) => target.app === app);
  const environments = [...new Set(own.map((target) => target.environment).filter(Boolean))].sort();
  const start = "sapm graph --format svg";
  const chosen = byUid.has(state.node) ? state.node : (own[0] || { uid: "TARGET" }).uid;
  const narrower = [`${start} --target ${chosen} --neighbourhood 1`, ...environments.map((name) => `${start} --app-name ${quoted(app)} --env-name ${quoted(name)}`)];
  return { tools: [], content: [make("p", {}, `With ${plural(size.targets, "target")} and ${plural(size.channels, "channel")} the graph of ${app} is too large to read. These commands draw a part of it:`),
    make("ul", {}, narrower.slice(0, 20).map((command) => make("li", {}, make("code", { class: "command" }, command))))] };
}

/** Links a subscriber's box to its row. */
function interactive(node) {
  const target = data.targets[node.getAttribute("data-at") ?? -1];
  if (!target) {
    node.classList.remove("target");
    return;
  }
  const { uid } = target;
  if (uid === state.node) node.classList.add("chosen");
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "link");
  const open = () => go({ ...START, view: "targets", q: uid, open: uid });
  node.addEventListener("click", open);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter") open();
  });
}

const WAITS = [["less than 1 hour", 3600], ["1 to 6 hours", 6 * 3600], ["6 to 24 hours", 86400], ["1 to 3 days", 3 * 86400], ["3 to 7 days", 7 * 86400], ["more than 7 days", Infinity]];

function leadTimeView() {
  const under = data.targets.filter(waits).sort((a, b) => a.lead.deployed - b.lead.deployed);
  const done = data.targets.filter((target) => target.lead.done).sort((a, b) => b.lead.deployed - a.lead.deployed);
  const all = [...under, ...done];
  const heading = [make("h2", {}, "Lead time"), make("p", { class: "quiet" }, "How long commits take: deployed upstream (when every publisher had deployed the commit, by the deployment records), promotable (deployed, soaked and within the schedule), merge request opened, deployed here (by the target's own record, where it publishes). Below those that wait stand the promotions that are done.")];
  if (!all.length) return [heading, nothing("No record has the time of a deployment upstream.")];
  const columns = ["Target", "Decision", "Waiting or took", "Deployed upstream", "Promotable", "Merge request opened", "Deployed here"];
  const show = (part) => make("div", { class: "frame" }, table("Lead time by target", columns.map((head, at) => make("th", { scope: "col", class: at > 3 ? "wide" : at === 3 ? "middle" : null }, head)), part.map(leadRow), "lead"));
  return [heading, summaryOf(under, done), under.length ? chart(under, waited) : null, make("h3", {}, "Waiting, the longest first; then completed, the newest first"), paged(all, state.page, show)];
}

const waited = (target) => data.observed_at - target.lead.deployed;
const median = (spans) => spans.sort((a, b) => a - b)[Math.floor(spans.length / 2)];

function summaryOf(under, done) {
  const words = [];
  if (under.length) words.push(`${plural(under.length, "target")} ${under.length === 1 ? "waits" : "wait"} with a commit that is deployed upstream: half of them for more than ${span(median(under.map(waited)))}, the longest for ${span(waited(under[0]))}.`);
  const took = done.map((target) => target.lead.here - target.lead.deployed).filter((seconds) => seconds >= 0);
  if (done.length) words.push(`${plural(done.length, "target")} ${done.length === 1 ? "has" : "have"} the commit that is deployed upstream.`);
  if (took.length) words.push(`For ${number(took.length)} of them, the duration is known: half took less than ${span(median(took))}.`);
  return make("p", {}, words.join(" "));
}

function leadRow(target) {
  const { deployed, here, done } = target.lead;
  const cell = (content, kind = "wide") => make("td", { class: kind }, content);
  const took = !done ? span(waited(target)) : here >= deployed ? span(here - deployed) : "not known";
  return make("tr", {}, make("th", { scope: "row" }, make("a", { href: hashOf({ q: target.uid, open: target.uid }) }, wrapping(target.label))), make("td", {}, badge(done ? "done" : target.decision), target.held_by ? make("span", { class: "gate" }, target.held_by) : null),
    make("td", { class: "nowrap" }, took), cell(time(deployed), "middle"), cell(promotableWords(target)), cell(openedWords(target)), cell(hereWords(target)));
}

const key = (decision, words) => make("th", { scope: "col", class: "number" }, make("span", { class: `key ${decision}`, "aria-hidden": "true" }), words);

/** A bar chart of waiting times. */
function chart(waiting, wait) {
  const groups = WAITS.map(() => ({ promote: 0, hold: 0 }));
  for (const target of waiting) groups[WAITS.findIndex(([, limit]) => wait(target) < limit)][target.decision] += 1;
  const most = Math.max(...groups.map((group) => group.promote + group.hold));
  const rows = groups.map((group, at) => {
    const bar = make("div", { class: "meter", "aria-hidden": "true" });
    for (const decision of ["promote", "hold"]) {
      if (!group[decision]) continue;
      const part = make("span", { class: decision });
      part.style.width = `${(100 * group[decision]) / most}%`;
      bar.append(part);
    }
    return make("tr", {}, make("th", { scope: "row" }, WAITS[at][0]), make("td", { class: "number" }, number(group.promote)), make("td", { class: "number" }, number(group.hold)), make("td", {}, bar.hasChildNodes() ? bar : null));
  });
  return make("div", { class: "frame bars" }, table("Targets by waiting time", ["Waiting since deployed upstream", key("promote", "To promote"), key("hold", "Held"), make("td", {})], rows));
}
