// What one can do with a message: the few buttons beside its bubble, and the small board of reactions.
import { button, h, icon } from "./dom.js";
import { coloured } from "./format.js";

const EDGE = 12; // pixels; what opens has not reached its place yet

/** The reactions that are offered; the state names them. */
export const offered = { emoji: [] };

/** The buttons of one message. Own ones can be edited and deleted, what failed can be sent again. */
export function actions(message, act) {
  if (message.failed) {
    return h("div", { class: "actions" },
      h("button", { type: "button", class: "again", onclick: () => act.retry(message) }, "Send again"),
      button("close", "Discard", () => act.discard(message)));
  }
  if (message.pending) return h("div", { class: "actions" });
  const about = (deed) => (event) => deed(event.currentTarget.closest(".row").shown[0], event.currentTarget);
  return h("div", { class: "actions" },
    button("reply", "Reply", about((one) => act.reply(one))),
    button("smile", "React", about((one, beside) => board(beside, one, act))),
    message.mine && !message.media && !message.forwarded && button("edit", "Edit", about((one) => act.edit(one))),
    button("forward", "Forward", about((one) => act.forward(one))),
    message.mine && button("trash", "Delete", about((one) => act.remove(one))));
}

/** Opens the board over a message; choosing, Escape and going elsewhere close it. */
function board(beside, { id, reactions }, act) {
  const mine = reactions.find((one) => one.mine)?.emoji;
  let closing = false;
  const close = (back) => {
    if (!panel.isConnected || closing) return;
    closing = true; // removing it moves the focus, which asks to close it again
    panel.remove();
    if (back) beside.focus();
  };
  const choose = (emoji) => {
    close(true);
    act.react(id, emoji === mine ? "" : emoji);
  };
  const panel = h("div", {
    class: "board", role: "group", "aria-label": "Reactions",
    onfocusout: (event) => !panel.contains(event.relatedTarget) && close(false),
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close(true);
    },
  }, offered.emoji.map((emoji) => h("button", {
    type: "button", class: `emoji${emoji === mine ? " chosen" : ""}`, "aria-label": `React with ${emoji}`, onclick: () => choose(emoji),
  }, coloured(emoji))));
  beside.closest(".actions").append(panel);
  fit(panel, beside.closest("#scroll"));
  panel.firstElementChild?.focus();
}

/** Moves what opened to where all of it is seen. */
function fit(panel, within) {
  const [place, room] = [panel, within].map((one) => one.getBoundingClientRect());
  const right = Math.min(0, room.right - EDGE - place.right) || Math.max(0, room.left + EDGE - place.left);
  if (place.top < room.top + EDGE) panel.classList.add("below");
  panel.style.translate = `${right}px`;
}

/** A menu that opens under a button: `entries` are [icon, words, deed] or null for a line between. */
export function menu(entries, close) {
  return h("div", { class: "menu", role: "menu" }, entries.map((entry) => entry === null ? h("hr") : h("button", {
    type: "button", role: "menuitem", class: "entry", onclick: () => {
      close();
      entry[2]();
    },
  }, icon(entry[0]), entry[1])));
}
