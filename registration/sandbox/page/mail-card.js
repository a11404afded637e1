// One mail on the page. What came in it is put there as text.

import { spelled } from "./announcer.js";
import { copy } from "./clipboard.js";
import { contentsOf } from "./contents.js";
import { countDown } from "./countdown.js";
import { copyOf } from "./dom.js";
import { timeOfDay } from "./http-text.js";

export class MailCard {
  #find;
  #stopCounting = () => {};

  constructor(mail) {
    this.mail = mail;
    this.acceptedAt = Date.now() - mail.age_seconds * 1000;
    this.element = copyOf("mail");
    this.#find = (selector) => this.element.querySelector(selector);
    this.#fill();
  }

  #fill() {
    const { mail } = this;
    this.#find(".subject").textContent = mail.subject || "(no subject)";
    this.#find(".to").textContent = mail.to.join(", ");
    this.#find("time").textContent = timeOfDay(this.acceptedAt);
    this.#find("time").dateTime = mail.received_at;
    this.#find(".code-row").hidden = !mail.code;
    const digits = this.#find(".digits");
    digits.textContent = mail.code;
    if (mail.code) {
      this.#find(".spelled").textContent = `Code ${spelled(mail.code)}`;
      this.#find(".copy").ariaLabel = `Copy the code ${spelled(mail.code)}`;
      this.#find(".copy").addEventListener("click", ({ currentTarget }) => copy(digits, currentTarget));
    }
    this.#find(".contents").addEventListener("toggle", ({ currentTarget: details }) => {
      if (details.childElementCount === 1) details.append(contentsOf(mail));
    });
  }

  remove() {
    this.#stopCounting();
    this.element.remove();
  }

  markAsCopy(number, total) {
    this.#find(".double").textContent = total > 1 ? `Copy ${number} of ${total} of the same mail` : "";
  }

  // Null: nobody knows yet, because the answer that would have begun the code's time was lost.
  worksUntil(endsAt, ttlSeconds) {
    if (!this.mail.code) return;
    this.#stopCounting();
    if (endsAt === null) return this.#show("lost", "The answer was lost: a copy that is answered begins its time");
    this.#stopCounting = countDown(endsAt, (seconds) => {
      if (seconds === 0) return this.#show("expired", `Expired at ${timeOfDay(endsAt)}`);
      this.#find(".time-left").style.setProperty("--left", seconds / ttlSeconds);
      return this.#show("live", `Works for ${seconds} s`);
    });
  }

  #show(state, words) {
    this.#find(".mail").dataset.code = state;
    this.#find(".life").textContent = words;
  }
}
