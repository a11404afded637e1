// The service, asked through the sandbox, since a browser would not let this page ask it directly.

import { byId, make } from "./dom.js";

const HIDDEN = "••••••••";
const RETRY_MS = 5000;

let url = "";
let nextLook;

// Returns the request as it may be shown, and a promise of what came of it: an answer, or `problem` in words.
export function ask(method, path, { credentials, document, language } = {}) {
  const headers = {};
  if (credentials) headers.Authorization = basic(credentials);
  if (document) headers["Content-Type"] = "application/json";
  if (language) headers["Accept-Language"] = language;
  const shown = {
    method,
    path,
    headers: Object.entries({ ...headers, ...(credentials && { Authorization: `Basic ${HIDDEN}` }) }),
    body: document && { ...document, ...("password" in document && { password: HIDDEN }) },
  };
  return { shown, answered: forward({ method, path, headers, body: document && JSON.stringify(document) }) };
}

async function forward(call) {
  const request = { method: "POST", headers: { "X-Sandbox-Page": "1" }, body: JSON.stringify(call) };
  try {
    const { Error: refusal, ...answer } = await (await fetch("sandbox/service", request)).json();
    if (answer.problem) showState();
    return refusal ? { problem: `The sandbox refused: ${refusal}.` } : answer;
  } catch {
    return { problem: "The sandbox does not answer." };
  }
}

// RFC 7617 in UTF-8.
function basic({ email, password }) {
  const bytes = new TextEncoder().encode(`${email}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

export const pageOfProblem = (type) => url + type;

const STATES = {
  ok: "It answers at",
  degraded: "It answers, but its mails wait for the provider, at",
  unavailable: "It answers that it cannot serve, perhaps for want of its database, at",
};

// Says where the service is; while it is not there, looks again now and then.
export async function showState() {
  const state = await fetch("sandbox/service").then((answer) => answer.json()).catch(() => null);
  if (!state) return;
  url = state.url;
  describe(state.status);
  clearTimeout(nextLook);
  if (!state.status) nextLook = setTimeout(lookAgain, RETRY_MS);
}

function describe(status) {
  const place = byId("service-state");
  if (place.dataset.told === `${status} ${url}`) return;
  place.dataset.told = `${status} ${url}`;
  place.classList.toggle("bad", status !== "ok");
  const docs = make("a", { href: `${url}/docs`, target: "_blank", rel: "noopener" }, "its documentation");
  const advice = [". Start one, or say where it is: ", make("code", {}, "--service-url"), "."];
  const rest = status ? [" (", docs, ")."] : advice;
  place.replaceChildren(`${STATES[status] ?? "No service answers at"} `, make("code", {}, url), ...rest);
}

function lookAgain() {
  if (document.visibilityState === "visible") showState();
  else document.addEventListener("visibilitychange", lookAgain, { once: true });
}
