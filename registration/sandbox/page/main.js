import { byId, say } from "./dom.js";
import { showFaults } from "./faults.js";
import { reset, show } from "./inbox.js";
import { wirePerson } from "./person.js";
import { showState } from "./service.js";

const connection = byId("connection");

function connect(words, isLive) {
  say(connection, words);
  connection.classList.toggle("live", isLive);
}

const events = new EventSource("sandbox/events");
const on = (name, act) => events.addEventListener(name, ({ data }) => act(JSON.parse(data)));
on("reset", reset);
on("mail", show);
on("faults", showFaults);
events.addEventListener("open", () => {
  connect("live", true);
  showState();
});
events.addEventListener("error", () => connect("the sandbox is not there; trying again …", false));

wirePerson();
