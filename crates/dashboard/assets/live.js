// Keeps the page alive: one stream of changed parts, reopened when it breaks, closed while nobody looks.
import { morph } from "./morph.js";

const SPEAK_EVERY = 30_000;
const RETRY_FIRST = 1_000;
const RETRY_MOST = 15_000;

const connection = document.getElementById("connection");
const pause = document.getElementById("pause");
const announcement = document.getElementById("announcement");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

let stream = null;
let timer = 0;
let delay = RETRY_FIRST;
let paused = false;
let spoken = Date.now();

function say(state, text) {
  if (connection.dataset.state === state) return;
  connection.dataset.state = state;
  connection.textContent = text;
}

function close() {
  clearTimeout(timer);
  stream?.close();
  stream = null;
}

function open() {
  close();
  if (paused || document.hidden) return;
  stream = new EventSource("/events");
  stream.addEventListener("change", (event) => apply(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    // The browser gives up after a refusal, so the page itself tries again, ever more slowly.
    close();
    say("broken", "Reconnecting");
    leaveWhenLoggedOut();
    timer = setTimeout(open, delay);
    delay = Math.min(delay * 2, RETRY_MOST);
  });
}

// A page is no longer ours once its session has ended: then the server leads to the log-in.
async function leaveWhenLoggedOut() {
  try {
    const answer = await fetch("/", { method: "HEAD", redirect: "manual" });
    if (answer.type === "opaqueredirect") location.assign("/login");
  } catch {
    // The server is away; the stream is tried again anyway.
  }
}

function apply({ summary, sections }) {
  delay = RETRY_FIRST;
  say("live", "Live");
  for (const { id, html } of sections) {
    const element = document.getElementById(id);
    if (!element) continue;
    for (const number of morph(element, html)) flash(number);
  }
  if (Date.now() - spoken > SPEAK_EVERY) {
    spoken = Date.now();
    announcement.textContent = summary;
  }
}

function flash(number) {
  if (calm.matches) return;
  number.animate([{ color: "var(--accent)" }, {}], { duration: 700, easing: "ease-out" });
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Resume" : "Pause";
  if (paused) {
    close();
    say("paused", "Paused");
  } else {
    open();
  }
});
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
open();
