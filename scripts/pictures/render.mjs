// Renders the pictures of docs/images: node render.mjs TOOLS SOURCES REPORT OUT. See scripts/screenshots.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [tools, sources, report, out] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(tools, 'package.json'));
const markdownIt = require('markdown-it');
const sanitize = require('sanitize-html');
const { AnsiUp } = require('ansi_up');
const puppeteer = require('puppeteer-core');

const fonts = pathToFileURL(join(tools, 'node_modules/@gitlab/fonts')).href;
const here = dirname(fileURLToPath(import.meta.url));
const css = readFileSync(join(here, 'page.css'), 'utf8').replaceAll('FONTS', fonts);

const escape = (text) => text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);

// Markdown with tables, lists of tasks and HTML, of which only some elements are kept: as GitLab does it.
const markdown = markdownIt('default', { html: true, linkify: true, breaks: false });
const kept = { allowedTags: [...sanitize.defaults.allowedTags, 'details', 'summary', 'del', 'h1', 'h2'] };
const render = (text) => sanitize(markdown.render(text), kept);

// The head of a source, `key: value` a line, and its text.
function parse(name) {
  const [, head, body] = readFileSync(join(sources, name), 'utf8').match(/^---\n(.*?)\n---\n\n(.*)$/s);
  const fields = Object.fromEntries(head.split('\n').map((line) => line.match(/^(\w+): ?(.*)$/).slice(1)));
  return { ...fields, labels: fields.labels.split(', ').filter(Boolean), body: render(body) };
}

const crumbs = (mr) => `<div class="crumbs">shop / app-interface / Merge requests / !${mr.number}</div>`;
const title = (mr) => `<h1 class="title">${escape(mr.title)}</h1>`;

function mergeRequest(name) {
  const mr = parse(name);
  const draft = mr.title.startsWith('Draft:');
  return `<main id="picture">${crumbs(mr)}${title(mr)}
    <div class="lead"><span class="badge ${draft ? 'draft' : ''}">${draft ? 'Draft' : 'Open'}</span>
      <span><b>${mr.writer}</b> requested to merge <code>${escape(mr.branch)}</code> into <code>main</code></span></div>
    <div class="tabs"><span class="here">Overview</span><span>Commits</span><span>Pipelines</span><span>Changes</span></div>
    <div class="columns"><div class="md">${mr.body}</div>
      <aside class="side"><b>Labels</b>${mr.labels.map((label) => `<span class="label">${escape(label)}</span>`).join('')}</aside></div></main>`;
}

function note(name) {
  const mr = parse(name);
  return `<main id="picture">${crumbs(mr)}${title(mr)}
    <div class="note"><span class="face">S</span><div class="card"><header><b>${mr.writer}</b></header>
      <div class="md">${mr.body}</div></div></div></main>`;
}

// GitLab's page of a job: numbered lines, colours, and sections, whose markers it hides.
function log(name) {
  const ansi = new AnsiUp();
  const lines = readFileSync(join(sources, name), 'utf8').trimEnd().split('\n');
  const shown = lines.map((line) => {
    const heading = line.includes('section_start:');
    const text = line.replace(/\x1b\[0K(section_(start|end):[^\r]*\r\x1b\[0K)?/g, '');
    return [heading ? 'section' : '', ansi.ansi_to_html(text)];
  });
  const rows = shown.map(([kind, html], index) => `<div class="${kind}"><i>${index + 1}</i><pre>${html}</pre></div>`);
  return `<main id="picture" class="log">${rows.join('')}</main>`;
}

const both = ['light', 'dark'];
const scenes = [
  { name: 'promotion', html: () => mergeRequest('promotion.md'), themes: both },
  { name: 'rollback', html: () => mergeRequest('rollback.md'), themes: both },
  { name: 'held', html: () => mergeRequest('held.md'), themes: both },
  { name: 'batch', html: () => mergeRequest('batch.md'), themes: both },
  { name: 'note', html: () => note('note.md'), themes: both },
  { name: 'explain', html: () => log('explain.log'), themes: ['dark'] },
  { name: 'report', themes: both },
];

const document = (html) => `<!doctype html><meta charset="utf-8"><style>${css}</style>${html}`;

async function shoot(browser, scene, theme) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1240, height: 900, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  const path = join(out, scene.themes.length > 1 ? `${scene.name}-${theme}.png` : `${scene.name}.png`);
  if (scene.html) {
    // In a file of its own, so that it may load the fonts.
    const file = join(dirname(report), `${scene.name}.html`);
    writeFileSync(file, document(scene.html()));
    await page.goto(pathToFileURL(file).href);
    await page.evaluate('document.fonts.ready');
    await (await page.$('#picture')).screenshot({ path });
  } else {
    await page.goto(pathToFileURL(report).href);
    await page.waitForFunction('document.documentElement.dataset.ready');
    await page.screenshot({ path });
  }
  await page.close();
}

mkdirSync(out, { recursive: true });
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--allow-file-access-from-files', '--hide-scrollbars'],
});
for (const scene of scenes) {
  for (const theme of scene.themes) await shoot(browser, scene, theme);
}
await browser.close();
