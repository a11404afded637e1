// The form: a person who registers, activates, and so on.

import { byId } from "./dom.js";
import { log } from "./exchanges.js";
import { newestCodeFor } from "./inbox.js";
import { clearOutcome, showNote, showOutcome } from "./outcome.js";
import { ask } from "./service.js";

const NAMES = ["ada", "alan", "barbara", "edsger", "grace", "katherine", "niklaus", "radia"];
const KEPT = "sandbox-email";
const [email, password, code] = ["email", "password", "code"].map(byId);

// As the service writes an address that was typed in another way; it says so in its answers.
const written = new Map();

const credentials = () => ({ email: email.value, password: password.value });

async function call(method, path, request, whenGood) {
  const typed = plain(email.value);
  const answer = await log(ask(method, path, request));
  const document = parsed(answer.body);
  if (document?.email) written.set(typed, document.email);
  showOutcome(answer, document, whenGood);
}

function register() {
  const request = { document: credentials(), language: byId("language").value };
  const good = ({ email: address, code_ttl_seconds: seconds }) =>
    `Accepted. A mail is on its way to ${address}; its code works for ${seconds} s.`;
  return call("POST", "/v1/users", request, good);
}

function activate() {
  const request = { credentials: credentials(), document: { code: code.value } };
  return call("POST", "/v1/users/activation", request, (user) => `${user.email} is active.`);
}

function askForAnotherCode() {
  const good = (sent) => `Accepted. Another code is on its way to ${sent.email}.`;
  return call("POST", "/v1/users/activation-code", { credentials: credentials() }, good);
}

function showMe() {
  const good = ({ email: address, status, activation }) =>
    activation ? `${address} is pending, the mail ${activation.mail}.` : `${address} is ${status}.`;
  return call("GET", "/v1/users/me", { credentials: credentials() }, good);
}

function erase() {
  return call("DELETE", "/v1/users/me", { credentials: credentials() }, () => "Erased.");
}

function takeNewestCode() {
  const theirs = new Set([plain(email.value), written.get(plain(email.value))]);
  const newest = newestCodeFor((address) => theirs.has(plain(address)));
  clearOutcome();
  if (!newest) return showNote(`No code has been mailed to ${email.value || "this address"} yet.`);
  code.value = newest;
  return code.focus();
}

function becomeSomebodyNew() {
  const name = NAMES[Math.floor(Math.random() * NAMES.length)];
  email.value = `${name}.${Math.random().toString(36).slice(2, 6)}@example.com`;
  password.value = "correct horse battery staple";
  code.value = "";
  clearOutcome();
}

function startAnew() {
  becomeSomebodyNew();
  keep();
}

function keep() {
  sessionStorage.setItem(KEPT, email.value);
}

function reveal({ currentTarget: button }) {
  const shown = password.type === "password";
  password.type = shown ? "text" : "password";
  button.ariaPressed = String(shown);
}

const plain = (address) => address.trim().normalize("NFC").toLowerCase();

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function onSubmit(id, act) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}

export function wirePerson() {
  const kept = sessionStorage.getItem(KEPT);
  becomeSomebodyNew();
  email.value = kept ?? email.value;
  keep();
  byId("own-language").value = navigator.languages.join(", ");
  onSubmit("registration", register);
  onSubmit("activation", activate);
  email.addEventListener("change", keep);
  const buttons = {
    "somebody-new": startAnew,
    reveal,
    "take-code": takeNewestCode,
    "new-code": askForAnotherCode,
    "show-me": showMe,
    erase,
  };
  for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener("click", act);
}
