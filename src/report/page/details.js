// The details of a row: links, gates, publishers, the merge request, lead time.

/** Is there a current promotion whose commit is deployed upstream? */
const waits = (target) => target.lead.deployed !== undefined && !target.lead.done;

/** What a promotion with an open merge request waits for. */
function waitsFor(target) {
  const request = target.request === undefined ? null : data.requests[target.request];
  if (target.decision !== "promote" || !request || !request.url || request.action === "close") return null;
  const right = ["as_wanted", "auto_merge", "behind_target_branch", "ready_again"].includes(request.reason_code) || ["create", "update"].includes(request.action);
  return make("span", { class: "under" }, right ? `!${request.iid} waits to be merged` : `!${request.iid}: ${request.reason}`);
}

function details(target) {
  const parts = [links(target), make("p", {}, "Next promotions and what if: ", make("code", { class: "command" }, `sapm explain ${target.uid}`))];
  if (target.advice.length) parts.push(section("What to do", make("ul", { class: "advice" }, target.advice.map((line) => make("li", {}, wrapping(line))))));
  if (target.errors.length) parts.push(section("Errors", make("ul", {}, target.errors.map((error) => make("li", {}, error)))));
  parts.push(section("Gates", gates(target)));
  if (target.follows.length) parts.push(section("Publishers", publishers(target)));
  if (target.request !== undefined) parts.push(section("Merge request", request(data.requests[target.request])));
  const known = steps(target);
  if (known) parts.push(section("Lead time", known));
  return parts;
}

/** A part that scrolls if it is too wide, also with the keyboard. */
const scrolling = (name) => ({ class: "scroll", tabindex: "0", role: "region", "aria-label": name });
const section = (title, ...content) => make("section", {}, make("h3", {}, title), content);

function links(target) {
  const request = target.request === undefined ? null : data.requests[target.request];
  const compare = /^[0-9a-f]{40}$/.test(target.from) && target.to ? codePage(target.repo, `compare/${target.from}...${target.to}`) : null;
  const repo = data.repos[target.repo][0];
  const items = [
    ["File: ", place(target.file, target.line)],
    compare ? [link(compare, "Compare in the code repository")] : null,
    repo ? [link(repo, "Code repository")] : null,
    request && request.url ? [link(request.url, "Merge request")] : null,
    request && request.url ? [link(`${request.url}/pipelines`, "Its pipelines")] : null,
    target.app in data.graphs ? [make("a", { href: hashOf({ view: "graph", app: target.app, node: target.uid }) }, `Graph of ${target.app}`)] : null,
    target.to === null ? null : ["From ", make("code", {}, short(target.from)), " to ", make("code", {}, short(target.to))],
    ["App ", target.app, ", environment ", target.environment || "none"],
    ["uid ", make("code", {}, target.uid)],
  ];
  return make("ul", { class: "links" }, items.filter(Boolean).map((item) => make("li", {}, item)));
}

function gates(target) {
  const rows = target.gates.map((at) => {
    const gate = data.gates[at];
    const words = { pass: "passes", hold: "blocks", not_applicable: "does not apply" }[gate.outcome];
    const kind = gate.outcome === "not_applicable" ? "none" : gate.outcome;
    const next = gate.next ? [time(gate.next), make("span", { class: "under" }, `in ${span(gate.next - data.observed_at)}`)] : "";
    return make("tr", { class: gate.outcome === "hold" ? "holds" : null },
      make("th", { scope: "row" }, gate.gate), make("td", { class: "nowrap" }, badge(kind, words)),
      make("td", {}, wrapping(gate.reason)), make("td", {}, evidence(gate)), make("td", { class: "nowrap" }, next));
  });
  return make("div", scrolling("Gates"), table("Gates", ["Gate", "Result", "Why", "Required and actual", "Can pass next"], rows, "gates stacks"));
}

/** These come first, in reverse order. */
const FACTS = ["soaked_days", "required_days"];

/** Required and actual values from the gate's evidence. */
function evidence(gate) {
  const facts = gate.evidence || {};
  const names = (uids) => uids.map((uid) => labels.get(uid) || uid).join(", ");
  const days = (value) => {
    const rounded = Number(value).toFixed(2).replace(/\.?0+$/, "");
    return `${rounded} ${rounded === "1" ? "day" : "days"}`;
  };
  const pairs = [];
  for (const [name, value] of Object.entries(facts).sort(([a], [b]) => FACTS.indexOf(b) - FACTS.indexOf(a))) {
    if (name === "required_days") pairs.push(["required", days(value)]);
    else if (name === "soaked_days") pairs.push(["actual", days(value)]);
    else if (name === "check_ins") pairs.push(["deployments that count", String(value)]);
    else if (name === "slos") for (const slo of value) pairs.push([slo.slo, `required ${slo.target}, actual ${slo.value === null ? "not known" : slo.value}`]);
    else if (name === "commits") for (const [commit, uids] of Object.entries(value)) pairs.push([short(commit), names(uids)]);
    else if (name === "unknown" && value.length) pairs.push(["not known", names(value)]);
    else if (typeof value === "string") pairs.push([name.replaceAll("_", " "), short(value) || "none"]);
    else if (typeof value === "number") pairs.push([name.replaceAll("_", " "), String(value)]);
    else if (value !== null && Object.keys(value).length) pairs.push([name.replaceAll("_", " "), JSON.stringify(value)]);
  }
  if (!pairs.length) return null;
  return make("dl", { class: "evidence" }, pairs.map(([name, value]) => [make("dt", {}, name), make("dd", {}, wrapping(value))]));
}

function publishers(target) {
  const rows = target.follows.map(([channel, at]) => {
    const publisher = data.publishers[at];
    const [state, checkIn, reason] = publisher.deployments[channel] || ["unknown", null, null];
    const sha = publisher.commit;
    const commit = sha ? link(codePage(publisher.repo, `commit/${sha}`), make("code", {}, short(sha))) : publisher.error || "not known";
    const ref = publisher.ref && publisher.ref !== sha ? make("span", { class: "under" }, publisher.ref) : null;
    const subject = publisher.subject ? make("span", { class: "under" }, publisher.subject) : null;
    const made = publisher.committed === undefined ? null : make("span", { class: "under" }, "committed ", time(publisher.committed));
    const who = byUid.has(publisher.uid) ? make("a", { href: hashOf({ q: publisher.uid, open: publisher.uid }) }, publisher.label) : publisher.label;
    const age = checkIn === null ? null : make("span", { class: "under" }, `${span(data.observed_at - checkIn)} ago`);
    const words = { success: "deployed", missing: "not deployed yet", invalid: "record not usable" }[state] || state;
    return make("tr", {}, make("th", { scope: "row" }, who, make("span", { class: "under" }, place(publisher.file, publisher.line))), make("td", {}, channel), make("td", {}, commit, ref, subject, made),
      make("td", {}, badge(state, words), reason ? make("span", { class: "under" }, reason) : null), make("td", { class: "nowrap" }, checkIn === null ? "" : time(checkIn), age));
  });
  return make("div", scrolling("Publishers"), table("Publishers", ["Publisher", "Channel", "Commit", "Deployment", "Deployed at"], rows, "publishers stacks"));
}

/** What will happen to a merge request, and what happened if the plan was applied. */
const ACTIONS = { create: ["to be opened", "opened"], update: ["to be updated", "updated"], hold: ["to be a draft", "made a draft"], close: ["to be closed", "closed"], keep: ["stays unchanged", "stays unchanged"], defer: ["left for a later run", "left for a later run"] };
const BUT = { failed: ", but a write failed", somebody_was_first: ", but somebody else was faster", not_attempted: ", but no write was attempted", interrupted: ", but a signal ended the run" };

/** Describes the action. */
function deed(item) {
  const [planned, done] = ACTIONS[item.action] || [item.action, item.action];
  return item.verdict === "done" || item.verdict === "unchanged" ? done : `${planned}${BUT[item.verdict] || ""}`;
}

function request(item) {
  const targets = item.targets > 1 ? ` It promotes ${item.targets} targets.` : "";
  return [
    make("p", { class: "request" }, badge(item.action, item.action), " ", link(item.url, item.title)),
    make("p", { class: "quiet" }, `${deed(item)}: ${item.reason}.${targets}`, item.outcome ? ` ${item.outcome}` : ""),
    item.diffs.map(([path, text]) => [make("p", { class: "mono" }, path), diff(text)]),
  ];
}

/** What a batch promotes, folded: each promotion with its targets. */
function promotions(item) {
  if (!item.promotions) return null;
  const rows = item.promotions.map(([at, to]) => {
    const targets = at.map((index) => data.targets[index]);
    const [first] = targets;
    const compare = first && /^[0-9a-f]{40}$/.test(first.from) && to !== first.from ? codePage(first.repo, `compare/${first.from}...${to}`) : null;
    const names = targets.map((target) => make("div", {}, make("a", { href: hashOf({ q: target.uid, open: target.uid }) }, wrapping(target.label))));
    return make("tr", {}, make("th", { scope: "row" }, names.length ? names : "targets that this run is not about"),
      make("td", {}, first ? make("code", {}, short(first.from)) : ""), make("td", {}, compare ? link(compare, make("code", {}, short(to))) : make("code", {}, short(to))));
  });
  return make("details", {}, make("summary", {}, plural(item.promotions.length, "promotion")),
    make("div", scrolling("Promotions"), table("Promotions", ["Target", "From", "To"], rows)));
}

/** When it became promotable, or what blocks it. */
function promotableWords(target) {
  const { promotable, done } = target.lead;
  if (promotable !== undefined) return time(promotable);
  if (done) return time(null);
  return target.held_by ? `not yet: ${target.held_by} blocks` : "not yet";
}

/** When the merge request was opened: for this commit, or for an earlier one. */
function openedWords(target) {
  const { deployed, opened, done } = target.lead;
  if (opened === undefined) return done ? time(null) : "not yet";
  return opened < deployed ? ["updated (opened ", time(opened), ")"] : time(opened);
}

const hereWords = (target) => (target.lead.done ? time(target.lead.here) : "not yet");

/** From the deployment upstream to the merge request, or to the deployment here if completed. */
function steps(target) {
  const { deployed, promotable, opened, here, done } = target.lead;
  if (deployed === undefined) return null;
  const since = promotable === undefined ? deployed : promotable;
  const step = (name, at, words, before) => make("li", { class: at === undefined ? "open" : null }, make("strong", {}, name), make("span", { class: at === undefined ? "quiet" : null }, words),
    at >= before ? make("span", { class: "under" }, `after ${span(at - before)}`) : null);
  return make("ol", { class: "steps" }, step("Deployed upstream", deployed, time(deployed)), step("Promotable", promotable, promotableWords(target), deployed),
    done ? step("Deployed here", here, hereWords(target), since) : step("Merge request opened", opened, openedWords(target), since));
}
