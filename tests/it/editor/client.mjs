// Asks yaml-language-server about a file, over stdio, as an editor does: node client.mjs SERVER FILE < QUESTIONS.
// Questions are a JSON list of {"line", "character"} (from 0), or of null for what the server reports by itself.
// Prints a list of their answers, {"completion": [...], "hover": "..."} or [messages], as JSON.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [server, file] = process.argv.slice(2);
const questions = JSON.parse(readFileSync(0, "utf8"));
const uri = pathToFileURL(file).href;
const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const waiting = new Map();
let number = 0;
let reported;
const diagnostics = new Promise((resolve) => { reported = resolve; });

function send(message) {
  const text = JSON.stringify({ jsonrpc: "2.0", ...message });
  child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function ask(method, params) {
  number += 1;
  send({ id: number, method, params });
  return new Promise((resolve, reject) => waiting.set(number, { resolve, reject }));
}

function receive(message) {
  if (message.method === "textDocument/publishDiagnostics") return reported(message.params.diagnostics);
  // The server asks for the editor's settings, and to be told about changes.
  if (message.method && message.id !== undefined) {
    const result = message.method === "workspace/configuration" ? message.params.items.map(() => null) : null;
    return send({ id: message.id, result });
  }
  const { resolve, reject } = waiting.get(message.id) ?? {};
  if (message.error) reject?.(new Error(message.error.message));
  else resolve?.(message.result);
}

let unread = Buffer.alloc(0);
child.stdout.on("data", (chunk) => {
  unread = Buffer.concat([unread, chunk]);
  for (;;) {
    const header = unread.indexOf("\r\n\r\n");
    if (header < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(unread.subarray(0, header))[1]);
    const end = header + 4 + length;
    if (unread.length < end) return;
    const message = JSON.parse(unread.subarray(header + 4, end).toString());
    unread = unread.subarray(end);
    receive(message);
  }
});
child.on("exit", (code) => process.exit(code ?? 1));

await ask("initialize", { processId: process.pid, rootUri: null, capabilities: { textDocument: { hover: { contentFormat: ["markdown"] } } } });
send({ method: "initialized", params: {} });
send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text: readFileSync(file, "utf8") } } });
const answers = [];
for (const position of questions) {
  if (position === null) {
    answers.push((await diagnostics).map((item) => `${item.range.start.line + 1}: ${item.message}`));
    continue;
  }
  const at = { textDocument: { uri }, position };
  const completion = await ask("textDocument/completion", at);
  const hover = await ask("textDocument/hover", at);
  const text = (documentation) => documentation?.value ?? documentation ?? "";
  answers.push({
    completion: (completion?.items ?? completion ?? []).map((item) => ({ label: item.label, documentation: text(item.documentation) })),
    hover: text(hover?.contents),
  });
}
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
