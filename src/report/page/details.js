// What a row opens to: links, gates, publishers, the merge request, lead time.

const GATES = { deployment: "deployment", same_ref: "same ref", soak: "soak", schedule: "schedule", slo: "SLO", blocked_version: "blocked version", edit_site: "edit site" };
const gateName = (gate) => GATES[gate] || gate.replaceAll("_", " ");

function details(target) {
  const parts = [links(target)];
  if (target.errors) parts.push(section("Errors", make("ul", {}, target.errors.map((error) => make("li", {}, error)))));
  parts.push(section("Gates", gates(target)));
  if (target.follows.length) parts.push(section("Publishers", publishers(target)));
  if (target.request !== undefined) parts.push(section("Merge request", request(data.requests[target.request])));
  const known = steps(target);
  if (known) parts.push(section("Lead time", known));
  return parts;
}

const section = (title, ...content) => make("section", {}, make("h3", {}, title), content);

function links(target) {
  const request = target.request === undefined ? null : data.requests[target.request];
  const compare = /^[0-9a-f]{40}$/.test(target.from) && target.to ? codePage(target, `compare/${target.from}...${target.to}`) : null;
  const repo = data.repos[target.repo][0];
  const items = [
    ["File: ", place(target.file, target.line)],
    compare ? [link(compare, "Compare in the code repository")] : null,
    repo ? [link(repo, "Code repository")] : null,
    request && request.url ? [link(request.url, "Merge request")] : null,
    request && request.url ? [link(`${request.url}/pipelines`, "Its pipelines")] : null,
    [make("a", { href: hashOf({ view: "graph", app: target.app, node: target.uid }) }, `Graph of ${target.app}`)],
    ["App ", target.app, ", environment ", target.environment || "none"],
    ["uid ", make("code", {}, target.uid)],
  ];
  return make("ul", { class: "links" }, items.filter(Boolean).map((item) => make("li", {}, item)));
}

function gates(target) {
  const rows = target.gates.map((at) => {
    const gate = data.gates[at];
    const words = { pass: "passes", hold: "holds", not_applicable: "does not apply" }[gate.outcome];
    const kind = gate.outcome === "not_applicable" ? "none" : gate.outcome;
    const next = gate.next ? [time(gate.next), make("span", { class: "under" }, `in ${span(gate.next - data.observed_at)}`)] : "";
    return make("tr", { class: gate.outcome === "hold" ? "holds" : null },
      make("th", { scope: "row" }, gateName(gate.gate)), make("td", { class: "nowrap" }, badge(kind, words)),
      make("td", {}, gate.reason), make("td", {}, evidence(gate)), make("td", { class: "nowrap" }, next));
  });
  return make("div", { class: "scroll" }, table("Gates", ["Gate", "Verdict", "Why", "Required and actual", "Can pass next"], rows, "gates"));
}

/** These come first, from the last one on. */
const FACTS = ["soaked_days", "required_days"];

/** Required and actual values, as the gate gives them. */
function evidence(gate) {
  const facts = gate.evidence || {};
  const days = (value) => `${Number(value).toFixed(2).replace(/\.?0+$/, "")} days`;
  const pairs = [];
  for (const [name, value] of Object.entries(facts).sort(([a], [b]) => FACTS.indexOf(b) - FACTS.indexOf(a))) {
    if (name === "required_days") pairs.push(["required", days(value)]);
    else if (name === "soaked_days") pairs.push(["actual", days(value)]);
    else if (name === "check_ins") pairs.push(["deployments that count", String(value)]);
    else if (name === "slos") for (const slo of value) pairs.push([slo.slo, `required ${slo.target}, actual ${slo.value === null ? "not known" : slo.value}`]);
    else if (name === "commits") for (const [commit, labels] of Object.entries(value)) pairs.push([short(commit), labels.join(", ")]);
    else if (typeof value === "string") pairs.push([name.replaceAll("_", " "), short(value) || "none"]);
    else if (typeof value === "number") pairs.push([name.replaceAll("_", " "), String(value)]);
    else if (value !== null && Object.keys(value).length) pairs.push([name.replaceAll("_", " "), JSON.stringify(value)]);
  }
  if (!pairs.length) return null;
  return make("dl", { class: "evidence" }, pairs.map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function publishers(target) {
  const rows = target.follows.map(([channel, at]) => {
    const publisher = data.publishers[at];
    const [state, checkIn, reason] = publisher.deployments[channel] || ["unknown", null, null];
    const sha = publisher.commit;
    const commit = sha ? link(codePage(target, `commit/${sha}`), make("code", {}, short(sha))) : publisher.error || "not known";
    const ref = publisher.ref && publisher.ref !== sha ? make("span", { class: "under" }, publisher.ref) : null;
    const age = checkIn === null ? null : make("span", { class: "under" }, `${span(data.observed_at - checkIn)} ago`);
    const words = { success: "deployed", missing: "not deployed yet", invalid: "record not usable" }[state] || state;
    return make("tr", {}, make("th", { scope: "row" }, publisher.label), make("td", {}, channel), make("td", {}, commit, ref),
      make("td", {}, badge(state, words), reason ? make("span", { class: "under" }, reason) : null), make("td", { class: "nowrap" }, checkIn === null ? "" : time(checkIn), age));
  });
  return make("div", { class: "scroll" }, table("Publishers", ["Publisher", "Channel", "Commit", "Deployment", "Deployed at"], rows, "publishers"));
}

/** What becomes of a request, and what became of it where the plan was applied. */
const ACTIONS = { create: ["to be opened", "opened"], update: ["to be refreshed", "refreshed"], hold: ["to be a draft", "made a draft"], close: ["to be closed", "closed"], keep: ["stays as it is", "stays as it is"], defer: ["left for a later run", "left for a later run"] };
const BUT = { failed: ", but a write failed", somebody_was_first: ", but somebody else was first" };

/** The deed in words. */
function deed(item) {
  const [planned, done] = ACTIONS[item.action] || [item.action, item.action];
  return item.verdict === "done" || item.verdict === "unchanged" ? done : `${planned}${BUT[item.verdict] || ""}`;
}

function request(item) {
  const targets = item.targets > 1 ? ` It moves ${item.targets} targets.` : "";
  return [
    make("p", { class: "request" }, badge(item.action, item.action), " ", link(item.url, item.title)),
    make("p", { class: "quiet" }, `${deed(item)}: ${item.reason}.${targets}`, item.outcome ? ` ${item.outcome}` : ""),
    item.diffs.map(([path, text]) => [make("p", { class: "mono" }, path), diff(text)]),
  ];
}

/** Deployed upstream, promotable, merge request opened: with the time between them. */
function steps(target) {
  const { deployed, promotable, opened } = target.lead;
  if (deployed === undefined) return null;
  const step = (name, at, before) => make("li", { class: at === undefined ? "open" : null }, make("strong", {}, name),
    at === undefined ? make("span", { class: "quiet" }, "not yet") : time(at),
    at !== undefined && before !== undefined ? make("span", { class: "under" }, `after ${span(at - before)}`) : null);
  return make("ol", { class: "steps" }, step("Deployed upstream", deployed), step("Promotable", promotable, deployed),
    step("Merge request opened", opened, promotable === undefined ? deployed : promotable));
}
