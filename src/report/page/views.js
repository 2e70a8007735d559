// The views beside the table: merge requests, graph, lead time, problems.

const PAGE = 100;

/** A part of a list with what leads to the other parts. */
function paged(list, page, show) {
  const last = Math.max(0, Math.ceil(list.length / PAGE) - 1);
  const at = Math.min(page, last);
  const part = list.slice(at * PAGE, (at + 1) * PAGE);
  const turn = (to, words) => make("button", { class: "plain", type: "button", disabled: to < 0 || to > last, onclick: () => go({ page: to, open: "" }, true) }, words);
  const pager = last === 0 ? null : make("div", { class: "pager", role: "group", "aria-label": "Pages" },
    turn(at - 1, "Previous"), make("span", {}, `${number(at * PAGE + 1)} to ${number(at * PAGE + part.length)} of ${number(list.length)}`), turn(at + 1, "Next"));
  return [show(part), pager];
}

const nothing = (words) => make("p", { class: "quiet" }, words);

function requestsView() {
  const show = (part) => make("ul", { class: "cards" }, part.map((item) => {
    const whole = request(item);
    const changes = item.diffs.length ? make("details", {}, make("summary", {}, plural(item.diffs.length, "changed file")), whole[2].flat()) : null;
    return make("li", { class: "card" }, whole[0], whole[1], make("p", { class: "mono quiet" }, item.branch), changes);
  }));
  return [make("h2", {}, "Merge requests"), data.requests.length ? paged(data.requests, state.page, show) : nothing("There are none.")];
}

function problemsView() {
  const row = (problem) => make("tr", {}, make("td", {}, badge(problem.severity)),
    make("td", {}, problem.message, problem.path ? make("span", { class: "under mono" }, problem.path) : null),
    make("td", {}, problem.file ? place(problem.file, problem.line) : ""), make("td", { class: "wide" }, make("code", {}, problem.code)));
  const show = (part) => make("div", { class: "frame" }, table("Problems", ["Severity", "What", "Where", make("th", { scope: "col", class: "wide" }, "Code")], part.map(row)));
  return [make("h2", {}, "Problems"), data.problems.length ? paged(data.problems, state.page, show) : nothing("There are none.")];
}

function graphView() {
  const apps = Object.keys(data.graphs);
  const heading = make("h2", {}, "Graph");
  if (!apps.length) return [heading, nothing("There are no targets.")];
  const app = apps.includes(state.app) ? state.app : apps[0];
  const frame = make("div", { class: "picture", tabindex: "0", role: "region", "aria-label": `Promotions of ${app}` });
  const svg = document.importNode(new DOMParser().parseFromString(data.graphs[app], "image/svg+xml").documentElement, true);
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
  const filters = make("div", { class: "filters" }, choice("App", "app", apps, app),
    button("−", "Smaller", () => scale(zoom / 1.25)), button("+", "Larger", () => scale(zoom * 1.25)),
    button("Fit", "Fit the width", () => scale((frame.clientWidth - 2) / wanted.width)), button("1:1", "1:1, original size", () => scale(1)),
    make("a", { href: hashOf({ view: "targets", app }) }, `Targets of ${app} as a table`));
  const legend = ["Left to right: a publisher, its channel, the channel's subscribers.", "Bar and word in a box: the decision on a subscriber, or the deployment of a publisher.",
    "Dashed arrow: not deployed yet. Red arrow: failed. Red dotted arrow: closes a cycle.", "The box of a subscriber opens its row in the table."];
  requestAnimationFrame(() => {
    if (wanted.width > frame.clientWidth && frame.clientWidth > 700) scale(Math.max(0.6, (frame.clientWidth - 2) / wanted.width));
    // A tall picture begins where its story does: at the chosen box, or at the first publisher.
    const box = (svg.querySelector(".chosen") || svg).querySelector(".box");
    const middle = (side, extent) => (Number(box.getAttribute(side)) + Number(box.getAttribute(extent)) / 2) * zoom;
    if (box) frame.scrollTo(middle("x", "width") - frame.clientWidth / 2, middle("y", "height") - frame.clientHeight / 2);
  });
  return [heading, filters, frame, make("ul", { class: "legend" }, legend.map((words) => make("li", {}, words)))];
}

/** A subscriber's box leads to its row. */
function interactive(node) {
  const uid = node.getAttribute("data-uid");
  if (uid === state.node) node.classList.add("chosen");
  if (!byUid.has(uid)) {
    node.classList.remove("target");
    return;
  }
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
  const waiting = data.targets.filter((target) => target.lead.deployed !== undefined).sort((a, b) => a.lead.deployed - b.lead.deployed);
  const heading = [make("h2", {}, "Lead time"), make("p", { class: "quiet" }, "Of the promotions that are under way: from the moment when every publisher had deployed the commit, by the deployment records, to the merge request. What was promoted before is not in the records that a run reads.")];
  if (!waiting.length) return [heading, nothing("No commit is deployed upstream and waits here.")];
  const wait = (target) => data.observed_at - target.lead.deployed;
  const show = (part) => make("div", { class: "frame" }, table("Waiting longest first", ["Target", "Decision", "Waiting", "Deployed upstream", "Promotable", "Merge request opened"].map((head, at) => make("th", { scope: "col", class: at > 3 ? "wide" : null }, head)), part.map((target) =>
    make("tr", {}, make("th", { scope: "row" }, make("a", { href: hashOf({ q: target.uid, open: target.uid }) }, target.label)), make("td", {}, badge(target.decision), target.held_by ? make("span", { class: "gate" }, gateName(target.held_by)) : null),
      make("td", { class: "nowrap" }, span(wait(target))), make("td", { class: "nowrap" }, time(target.lead.deployed)),
      make("td", { class: "nowrap wide" }, target.lead.promotable === undefined ? "not yet" : time(target.lead.promotable)), make("td", { class: "nowrap wide" }, target.lead.opened === undefined ? "not yet" : time(target.lead.opened))))));
  const median = wait(waiting[Math.floor(waiting.length / 2)]);
  return [heading, make("p", {}, `${plural(waiting.length, "target")} ${waiting.length === 1 ? "waits" : "wait"} with a commit that is deployed upstream: half of them for more than ${span(median)}, the longest for ${span(wait(waiting[0]))}.`),
    chart(waiting, wait), make("h3", {}, "Waiting longest first"), paged(waiting, state.page, show)];
}

const key = (decision, words) => make("th", { scope: "col" }, make("span", { class: `key ${decision}`, "aria-hidden": "true" }), words);

/** How many wait how long, in bars. */
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
    return make("tr", {}, make("th", { scope: "row", class: "nowrap" }, WAITS[at][0]), make("td", { class: "number" }, number(group.promote)), make("td", { class: "number" }, number(group.hold)), make("td", {}, bar));
  });
  return make("div", { class: "frame bars" }, table("Targets by how long they wait", ["Waiting since deployed upstream", key("promote", "To promote"), key("hold", "Held"), make("td", {})], rows));
}
