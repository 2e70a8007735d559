// Elements and words. Text always becomes text nodes, so no name is markup.

/** An element with properties, attributes and children; `null` children are left out. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) element.append(child);
  return element;
}

function link(url, words, name) {
  if (!url || !/^https?:\/\//.test(url)) return make("span", {}, words);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer", "aria-label": name }, words);
}

const badge = (kind, words) => make("span", { class: `badge ${kind}` }, words || kind.replaceAll("_", " "));
const short = (ref) => (/^[0-9a-f]{40}$/.test(ref) ? ref.slice(0, 8) : ref);
/** Quotes a word of a command line. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const number = (count) => count.toLocaleString("en-US");
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

/** Seconds since 1970 as `2026-08-20 10:15`. */
const moment = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

/** A time span as text. */
function span(seconds) {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${(seconds / 86400).toFixed(1)} days`;
}

function time(seconds) {
  if (seconds === null || seconds === undefined) return make("span", { class: "quiet" }, "not known");
  const words = moment(seconds);
  return make("time", { datetime: new Date(seconds * 1000).toISOString() }, words);
}

/** Text that may wrap after slashes and underscores, so that a long name is not cut anywhere, but not within a date. */
const wrapping = (text) => text.split(/(\d{4}-\d\d-\d\d)/).map((part, at) => (at % 2 ? make("span", { class: "nowrap" }, part)
  : (part.match(/[^/_]+[/_]*|[/_]+/g) || []).map((piece, at) => [at ? make("wbr") : null, piece])));

/** A source location, with a link to the line on GitLab if known. */
function place(file, line) {
  const words = `data${file}${line ? `:${line}` : ""}`;
  if (!data.blob_url) return make("span", { class: "mono" }, wrapping(words));
  const address = `data${file}`.split("/").map(encodeURIComponent).join("/");
  return link(`${data.blob_url}/${address}${line ? `#L${line}` : ""}`, wrapping(words));
}

/** A forge's page of a code repository: of a commit, or of a comparison. */
function codePage(repo, path) {
  const pages = data.repos[repo][1];
  return pages && /[0-9a-f]{40}$/.test(path) ? `${pages}/${path}` : null;
}

function diff(text) {
  const lines = text.replace(/\n$/, "").split("\n").map((line) => {
    const kind = /^(\+\+\+|---|@@)/.test(line) ? "hunk" : line[0] === "+" ? "plus" : line[0] === "-" ? "minus" : null;
    return make("span", { class: kind }, line);
  });
  return make("pre", { class: "diff", tabindex: "0" }, lines);
}

/** A table; `heads` are texts or elements, `columns` are classes that set the widths. */
function table(name, heads, rows, kind, columns) {
  const cell = (head) => (head instanceof Element ? head : make("th", { scope: "col" }, head));
  return make("table", { class: kind }, make("caption", { class: "hidden-text" }, name), columns ? make("colgroup", {}, columns.map((column) => make("col", { class: column }))) : null,
    make("thead", {}, make("tr", {}, heads.map(cell))), make("tbody", {}, rows));
}
