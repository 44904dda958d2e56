/* What the pages do beside links and forms: the live list of events, and leaving alone what somebody reads.
   Without this file everything but the live list works. */
"use strict";

const LIVE_ROWS = 300;

function watch(button, state, rows) {
  let source = null;
  let missed = 0;

  function say(text) {
    state.textContent = missed ? `${text}, ${missed} more not shown` : text;
  }

  function stop() {
    source.close();
    source = null;
    button.setAttribute("aria-pressed", "false");
    say("stopped");
  }

  function start() {
    missed = 0;
    source = new EventSource(button.dataset.address);
    button.setAttribute("aria-pressed", "true");
    say("connecting");
    source.onopen = () => say("watching");
    source.onerror = () => say(source.readyState === EventSource.CLOSED ? "the server refused" : "connection lost, trying again");
    source.addEventListener("logout", () => { stop(); location.assign("/login"); });
    source.onmessage = (message) => {
      const { rows: fresh, more } = JSON.parse(message.data);
      missed += more;
      // The rows are HTML from our own server, every value in them escaped.
      rows.insertAdjacentHTML("afterbegin", fresh);
      const shown = rows.querySelectorAll("tr:not(.more)");
      for (let index = LIVE_ROWS; index < shown.length; index++) shown[index].remove();
      document.getElementById("none")?.remove();
      say("watching");
    };
  }

  button.addEventListener("click", () => (source ? stop() : start()));
  window.addEventListener("pagehide", () => source?.close());
}

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("live");
  // A part of the page that somebody has unfolded, or has the keyboard in, is not replaced under their hands.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    const timed = part.getAttribute("hx-trigger")?.startsWith("every");
    if (timed && (document.hidden || part.querySelector("details[open], :focus-visible"))) event.preventDefault();
  });
  if (button) watch(button, document.getElementById("live-state"), document.getElementById("rows"));
});
