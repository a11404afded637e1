// The panel of the sandbox's faults. It shows what the sandbox says holds, whoever changed it.

import { byId, say } from "./dom.js";
import { KINDS } from "./fault-kinds.js";
import { FaultSwitch, percent } from "./fault-switch.js";

const panel = byId("faults");
const allWell = byId("all-well");
const switches = KINDS.map((kind) => new FaultSwitch(kind, left, (changed) => put({ ...held, ...changed })));
let held = {};

byId("faults-list").append(...switches.map(({ element }) => element));
allWell.addEventListener("click", () => put({}));

export function showFaults({ faults, met }) {
  held = faults;
  switches.forEach((each) => each.show(held));
  const on = KINDS.filter(({ name }) => held[name] > 0);
  panel.classList.toggle("on", on.length > 0);
  say(byId("faults-state"), stateOf(on));
  say(byId("faults-met"), on.length > 0 ? metBy(met) : "");
  if (on.length === 0 && document.activeElement === allWell) panel.querySelector("summary").focus();
  allWell.hidden = on.length === 0;
}

function stateOf(on) {
  if (on.length === 0) return "All is well: every mail is accepted.";
  const each = on.map(({ name, does }) => `${does} for ${percent(held[name])} %`);
  return `It misbehaves on request: ${each.join(", ")} of the mails.`;
}

function metBy(met) {
  const kinds = KINDS.filter(({ name }) => met[name]);
  if (kinds.length === 0) return "Met by none so far.";
  const each = kinds.map(({ name, label }) => `${label.toLowerCase()} ${met[name]}`);
  return `Met so far by ${kinds.reduce((sum, { name }) => sum + met[name], 0)}: ${each.join(", ")}.`;
}

function left(name) {
  const others = KINDS.filter((kind) => kind.name !== name);
  return 100 - others.reduce((sum, kind) => sum + percent(held[kind.name]), 0);
}

async function put(faults) {
  const request = { method: "PUT", body: JSON.stringify(faults) };
  const answer = await fetch("sandbox/faults", request).catch(() => null);
  const why = answer?.ok ? "" : (await answer?.json())?.Error ?? "the sandbox does not answer";
  say(byId("faults-problem"), why && `Nothing was changed: ${why}.`);
  if (why) switches.forEach((each) => each.show(held));
}
