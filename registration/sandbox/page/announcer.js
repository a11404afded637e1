// Tells screen readers what came: once, however much comes together.

import { byId, say } from "./dom.js";

const GATHER_MS = 500;
const region = byId("announcer");
let arrived = [];

export function announce(text) {
  say(region, text);
}

export function announceMail(mail) {
  if (arrived.push(mail) === 1) setTimeout(announceArrived, GATHER_MS);
}

export const spelled = (code) => [...code].join(" ");

function announceArrived() {
  const { to, code } = arrived.at(-1);
  const many = arrived.length > 1 ? `${arrived.length} new mails, the newest` : "New mail";
  announce(`${many} to ${to.join(", ")}${code ? `, code ${spelled(code)}` : ""}`);
  arrived = [];
}
