// Everything of a mail is put into the page as text; its HTML is only ever shown in a sandboxed frame.

const SHOWN = 100;
const mails = document.getElementById("mails");
const template = document.getElementById("mail");
const connection = document.getElementById("connection");

function show(mail) {
  const item = template.content.cloneNode(true);
  const find = (selector) => item.querySelector(selector);
  find(".subject").textContent = mail.subject;
  find(".to").textContent = mail.to.join(", ");
  find(".code").textContent = mail.code ?? "";
  find("pre").textContent = mail.text;
  const time = find("time");
  time.dateTime = mail.received_at;
  time.textContent = new Date(mail.received_at).toLocaleTimeString();
  const html = find(".html");
  if (mail.has_html) {
    html.dataset.src = `view/${mail.id}.html`;
    html.addEventListener("toggle", showHtml);
  }
  mails.prepend(item);
  while (mails.children.length > SHOWN) mails.lastElementChild.remove();
}

function showHtml({ currentTarget: details }) {
  if (!details.open || details.querySelector("iframe")) return;
  const frame = document.createElement("iframe");
  frame.sandbox = "";
  frame.title = "The mail's HTML";
  frame.src = details.dataset.src;
  details.append(frame);
}

const events = new EventSource("sandbox/events");
events.addEventListener("open", () => { connection.textContent = "live"; });
events.addEventListener("error", () => { connection.textContent = "the sandbox is not there; trying again …"; });
events.addEventListener("reset", () => { mails.replaceChildren(); });
events.addEventListener("mail", ({ data }) => { show(JSON.parse(data)); });
