// The mail itself, made when somebody wants to see it. Its HTML is only ever shown in a sandboxed frame.

import { copyOf, make } from "./dom.js";
import { asText, timeOfDay } from "./http-text.js";
import { wireTabs } from "./tabs.js";

const BECAME = {
  too_many: "answered 429, not accepted",
  error: "answered 500, not accepted",
  cut_before: "cut before it was accepted",
  cut_after: "accepted, and the answer cut",
  hang: "never answered, not accepted",
  slow: "accepted, answered late",
};

export function contentsOf(mail) {
  const contents = copyOf("contents");
  const views = { html: () => html(mail), text: () => text(mail), request: () => request(mail) };
  wireTabs(contents, mail.has_html ? "html" : "text", async (panel, view) => {
    panel.dataset.view = view;
    const shown = await views[view]();
    if (panel.dataset.view === view) panel.replaceChildren(...shown);
  });
  return contents;
}

function html(mail) {
  if (!mail.has_html) return [hint("This mail has no HTML.")];
  const frame = make("iframe", { title: "The mail’s HTML" });
  frame.sandbox = "";
  frame.src = `view/${mail.id}.html`;
  return [frame];
}

function text(mail) {
  return mail.text ? [make("pre", {}, mail.text)] : [hint("This mail has no text.")];
}

async function request(mail) {
  const answer = await fetch(`sandbox/mails/${mail.id}`).catch(() => null);
  if (!answer?.ok) return [hint("The sandbox has forgotten this mail.")];
  const { request: { method, path, headers, body }, attempts } = await answer.json();
  const tries = make("ol", { className: "tries" }, ...attempts.map(attempted));
  return [make("h4", {}, "Handed in so far"), tries, make("h4", {}, "As the provider received it"),
    make("pre", {}, asText(`${method} ${path}`, headers, body))];
}

const attempted = (attempt) => make("li", {}, `${timeOfDay(attempt.received_at)} ${became(attempt)}`);

function became({ fault, message_id: accepted }) {
  return fault === "slow" && !accepted ? "not accepted yet" : BECAME[fault] ?? "accepted";
}

const hint = (words) => make("p", { className: "hint" }, words);
