// One message as a row: avatar, bubble with name, quote, text and time, and the buttons to act on it.
import { button, h, icon } from "./dom.js";
import { avatar, clock, colour, fullDate, oneLine } from "./format.js";
import { isEmoji, rich } from "./rich.js";

const PRESS_MS = 450;

/**
 * `message` as an element. `group` says whether names and avatars are shown.
 * `act` has reply, edit, jump, command, mention, retry and discard, each called with what it is about.
 */
export function bubble(message, group, act) {
  const { mine, from } = message;
  const others = group && !mine;
  const big = isEmoji(message.text, message.entities) && !message.reply;
  const body = h("div", { class: `bubble${big ? " big" : ""}` },
    others && name(from),
    message.reply && quote(message.reply, act),
    h("div", { class: "text" }, rich(message.text, message.entities, act), meta(message)));
  const row = h("article", {
    class: `row ${mine ? "mine" : "theirs"}${others ? " named" : ""}${message.failed ? " failed" : ""}`,
    "data-id": message.id, tabindex: "-1", "aria-label": label(message),
  }, others && h("span", { class: "side-avatar" }, avatar(from.id, from.name)), body, actions(message, act));
  longPress(row);
  return row;
}

/** A finger that rests on a bubble shows the buttons that a mouse finds by hovering. */
function longPress(row) {
  let timer = 0;
  const end = () => clearTimeout(timer);
  row.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || event.target.closest("button, a")) return;
    timer = setTimeout(() => {
      row.classList.add("acting");
      row.focus({ preventScroll: true });
      navigator.vibrate?.(12);
    }, PRESS_MS);
  });
  for (const name of ["pointerup", "pointercancel", "pointermove"]) row.addEventListener(name, end);
}

function name(from) {
  return h("div", { class: `name n${colour(from.id)}` }, h("span", {}, from.name), (from.bot || from.tag) && h("span", { class: "tag" }, from.bot ? "bot" : from.tag));
}

function quote(reply, act) {
  const who = h("span", { class: "quote-name" }, reply.name);
  const line = h("span", { class: "quote-text" }, oneLine(reply.text) || "Message");
  const label = `Reply to ${reply.name}: ${oneLine(reply.text).slice(0, 120)}. Show the original`;
  return h("button", { type: "button", class: "quote", "aria-label": label, onclick: () => act.jump(reply.id) }, who, line);
}

function meta(message) {
  const time = h("time", { datetime: new Date(message.date * 1000).toISOString(), title: fullDate(message.date) }, clock(message.date));
  return h("span", { class: "meta" }, message.edited && h("span", {}, "edited"), time, message.mine && mark(message));
}

function mark(message) {
  const [kind, words] = message.failed ? ["alert", "Not sent"] : message.pending ? ["wait", "Sending"] : ["done", "Sent"];
  return h("span", { class: `mark ${kind}`, role: "img", "aria-label": words }, icon(kind));
}

function actions(message, act) {
  const buttons = message.failed
    ? [h("button", { type: "button", class: "again", onclick: () => act.retry(message) }, "Send again"),
      button("close", "Discard", () => act.discard(message))]
    : message.pending ? [] : [
      button("reply", "Reply", () => act.reply(message)),
      message.mine && button("edit", "Edit", () => act.edit(message))];
  return h("div", { class: "actions" }, buttons);
}

function label(message) {
  const who = message.mine ? "You" : message.from.name;
  return `${who}, ${clock(message.date)}${message.edited ? ", edited" : ""}${message.failed ? ", not sent" : ""}`;
}
