// The list of mails, newest first.

import { announceMail } from "./announcer.js";
import { byId } from "./dom.js";
import { MailCard } from "./mail-card.js";

const SHOWN = 100;
const list = byId("mails");
let cards = []; // oldest first
let ttlSeconds = 60;

export function reset({ code_ttl_seconds: seconds }) {
  ttlSeconds = seconds;
  cards.forEach((card) => card.remove());
  cards = [];
  showCount();
}

export function show(mail) {
  const card = new MailCard(mail);
  cards.push(card);
  list.prepend(card.element);
  if (cards.length > SHOWN) cards.shift().remove();
  compareCopies(cards.filter((other) => isCopy(other.mail, mail)));
  showCount();
  if (!mail.new) return;
  card.element.classList.add("new");
  announceMail(mail);
}

export function newestCodeFor(isTheirs) {
  return cards.findLast(({ mail }) => mail.code && mail.to.some(isTheirs))?.mail.code;
}

function isCopy(one, other) {
  return one.id === other.id || (one.mail_id !== null && one.mail_id === other.mail_id);
}

// The first acceptance that the sender learnt of begins the code's time, for all copies: no later one moves it.
function compareCopies(copies) {
  const first = copies.find(({ mail }) => mail.answered);
  const endsAt = first ? first.acceptedAt + ttlSeconds * 1000 : null;
  copies.forEach((card, index) => {
    card.markAsCopy(index + 1, copies.length);
    card.worksUntil(endsAt, ttlSeconds);
  });
}

function showCount() {
  byId("no-mail").hidden = cards.length > 0;
  byId("empty").hidden = cards.length === 0;
  byId("count").textContent = cards.length === SHOWN ? `(the newest ${SHOWN})` : cards.length || "";
}

byId("empty").addEventListener("click", async () => {
  await fetch("api/v1/messages", { method: "DELETE" });
  byId("inbox").focus();
});
