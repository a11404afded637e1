// The log of what was asked of the service and answered, newest first.

import { byId, copyOf } from "./dom.js";
import { asText } from "./http-text.js";

const SHOWN = 20;
const TELLING = new Set([
  "allow", "cache-control", "content-type", "location", "retry-after", "www-authenticate", "x-request-id",
]);
const list = byId("exchanges");

export async function log({ shown, answered }) {
  const entry = copyOf("exchange");
  const write = (selector, text) => { entry.querySelector(selector).textContent = text; };
  write(".method", shown.method);
  write(".path", shown.path);
  write(".result", "waiting …");
  write(".request", asText(`${shown.method} ${shown.path}`, shown.headers, shown.body));
  list.querySelectorAll("details").forEach((older) => { older.open = false; });
  list.prepend(entry);
  while (list.children.length > SHOWN) list.lastElementChild.remove();
  byId("no-exchange").hidden = true;

  const answer = await answered;
  entry.dataset.kind = answer.status < 400 ? "good" : "bad";
  write(".result", answer.problem ? "no answer" : `${answer.status} ${answer.reason}`);
  write(".took", answer.problem ? "" : `after ${answer.milliseconds} ms`);
  write(".answer", answer.problem ?? asAnswered(answer));
  return answer;
}

function asAnswered({ status, reason, headers, body }) {
  return asText(`${status} ${reason}`, headers.filter(([name]) => TELLING.has(name.toLowerCase())), body);
}
