// What an answer means for the person in the form, in a sentence, and at the fields that it is about.

import { byId, make } from "./dom.js";
import { pageOfProblem } from "./service.js";

const FIELDS = ["email", "password", "code"];
const REASONS = {
  "too-short": "It is too short.",
  "too-long": "It is too long.",
  "too-common": "It is too common: others would guess it.",
  "contains-email": "It contains the address.",
};

export function clearOutcome() {
  show("", []);
  FIELDS.forEach((field) => showAtField(field, ""));
}

export function showNote(words) {
  show("note", [words]);
}

export function showOutcome(answer, document, whenGood) {
  clearOutcome();
  if (answer.problem) return show("bad", [answer.problem]);
  if (answer.status < 400) return show("good", [whenGood(document)]);
  const { type, title = answer.reason, errors = [], reasons = [] } = document ?? {};
  for (const { field, detail } of errors.filter(({ field }) => FIELDS.includes(field))) {
    showAtField(field, `It ${detail}.`);
  }
  if (reasons.length > 0) showAtField("password", reasons.map((reason) => REASONS[reason] ?? reason).join(" "));
  return show("bad", [make("strong", {}, `${title}.`), ` ${moreOf(document)} `, ...linkTo(type)]);
}

function linkTo(type) {
  if (!type) return [];
  return [make("a", { href: pageOfProblem(type), target: "_blank", rel: "noopener" }, "What this means")];
}

function moreOf({ attempts_left: left, retry_after: seconds, detail } = {}) {
  if (left !== undefined) return `Attempts left: ${left}.`;
  if (seconds !== undefined) return `Try again in ${seconds} s.`;
  return detail ?? "";
}

function show(kind, children) {
  const place = byId("outcome");
  place.dataset.kind = kind;
  place.replaceChildren(...children);
}

function showAtField(field, words) {
  byId(`${field}-problem`).textContent = words;
  byId(field).ariaInvalid = words ? "true" : null;
}
