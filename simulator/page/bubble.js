// One message as a row: avatar, bubble with name, quote, media, text and time, reactions, buttons, and what one can do.
import { actions } from "./actions.js";
import { arrange, h, icon, morph } from "./dom.js";
import { avatar, clock, colour, coloured, fullDate, oneLine } from "./format.js";
import { media } from "./media.js";
import { isEmoji, rich } from "./rich.js";

const PRESS_MS = 450;

/**
 * The messages `parts` (one, or those of an album) as an element. `group` says whether names and avatars are shown.
 * `act` has reply, edit, remove, forward, react, press, jump, command, mention, retry and discard.
 */
export function bubble(parts, group, act) {
  const [message] = parts;
  if (message.note) return note(message);
  const { mine, from } = message;
  const others = group && !mine;
  const row = h("article", {
    class: `row ${mine ? "mine" : "theirs"}${others ? " named" : ""}${message.failed ? " failed" : ""}`,
    "data-id": message.id, tabindex: "-1", "aria-label": label(message),
  }, others && h("span", { class: "side-avatar" }, avatar(from.id, from.name)), body(parts, others, act), actions(message, act));
  row.shown = parts; // what the buttons of the row are about, also after edits
  longPress(row);
  return row;
}

/** Brings a row up to date in place; false when it must be made anew. */
export function renew(row, parts, group, act) {
  const [before, now] = [row.shown?.[0], parts[0]];
  const fixed = (one) => [one.id, one.failed, one.pending, one.note, one.mine, one.from.name, Boolean(one.media)].join("\n");
  if (!before || row.shown.length !== parts.length || fixed(before) !== fixed(now)) return false;
  const fresh = body(parts, group && !now.mine, act);
  const bubbled = row.querySelector(":scope > .bubble");
  bubbled.className = fresh.className;
  pieces(bubbled, fresh);
  row.setAttribute("aria-label", label(now));
  row.shown = parts;
  return true;
}

/** The text is mended letter by letter, media stay as they are; of the other pieces those that changed are replaced. */
function pieces(old, fresh) {
  const known = [...old.children];
  const same = (node) => known.find((one) => {
    const kept = ["text", "media", "album"].some((kind) => one.classList.contains(kind) && node.classList.contains(kind));
    if (kept && one.classList.contains("text")) morph(one, node);
    return kept || one.isEqualNode(node);
  });
  arrange(old, [...fresh.children].map((node) => same(node) ?? node));
}

function body(parts, others, act) {
  const [message] = parts;
  const told = parts.find((part) => part.text) ?? message;
  const picture = message.media?.kind ?? "";
  const big = !picture && isEmoji(message.text, message.entities) && !message.reply;
  const silent = picture !== "" && !told.text;
  const kind = !silent ? "" : message.reactions?.length ? " beside" : ["photo", "video", "sticker"].includes(picture) ? " bare" : " slim";
  const text = h("div", { class: "text" }, rich(told.text, told.entities, act), meta(message));
  return h("div", { class: `bubble${big ? " big" : ""}${picture ? ` with-${picture}` : ""}${kind}` },
    (others || message.from.id < 0) && name(message.from),
    message.forwarded && h("p", { class: "forwarded" }, `Forwarded from ${message.forwarded}`),
    message.reply && quote(message.reply, act),
    media(parts), text, reactions(message, act), keyboard(message, act));
}

function note(message) {
  return h("article", { class: "row note", "data-id": message.id, tabindex: "-1" }, h("span", { class: "pill text" }, message.note));
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
  for (const happening of ["pointerup", "pointercancel", "pointermove"]) row.addEventListener(happening, end);
}

function name(from) {
  return h("div", { class: `name n${colour(from.id)}` }, h("span", {}, from.name), (from.bot || from.tag) && h("span", { class: "tag" }, from.bot ? "bot" : from.tag));
}

function quote(reply, act) {
  const who = h("span", { class: "quote-name" }, reply.name);
  const line = h("span", { class: "quote-text" }, oneLine(reply.text) || "Message");
  const words = `Reply to ${reply.name}: ${oneLine(reply.text).slice(0, 120)}. Show the original`;
  return h("button", { type: "button", class: `quote${reply.part ? " part" : ""}`, "aria-label": words, onclick: () => act.jump(reply.id) }, who, line);
}

function reactions({ id, reactions: given = [] }, act) {
  if (given.length === 0) return null;
  return h("div", { class: "reactions" }, given.map(({ emoji, names, mine }) => h("button", {
    type: "button", class: `reaction${mine ? " chosen" : ""}`, "aria-pressed": String(mine), title: names.join(", "),
    "aria-label": `${emoji} by ${names.join(", ")}`, onclick: () => act.react(id, mine ? "" : emoji),
  }, h("span", { class: "emoji" }, coloured(emoji)), names.length > 1 && String(names.length))));
}

function keyboard({ id, buttons = [] }, act) {
  if (buttons.length === 0) return null;
  return h("div", { class: "keyboard" }, buttons.map((row) => h("div", { class: "keys" }, row.map((one) => key(id, one, act)))));
}

function key(id, { text, url, callback_data: data, copy_text: copied }, act) {
  if (url) return h("a", { class: "key", href: /^https?:/iu.test(url) ? url : null, target: "_blank", rel: "noopener noreferrer" }, text);
  const press = copied ? () => navigator.clipboard?.writeText(copied.text) : (event) => act.press(id, data, event.currentTarget);
  return h("button", { type: "button", class: "key", onclick: press }, text);
}

function meta(message) {
  const time = h("time", { datetime: new Date(message.date * 1000).toISOString(), title: fullDate(message.date) }, clock(message.date));
  return h("span", { class: "meta" }, message.edited && h("span", {}, "edited"), time, message.mine && mark(message));
}

function mark(message) {
  const [kind, words] = message.failed ? ["alert", "Not sent"] : message.pending ? ["wait", "Sending"] : ["done", "Sent"];
  return h("span", { class: `mark ${kind}`, role: "img", "aria-label": words }, icon(kind));
}

function label(message) {
  const who = message.mine ? "You" : message.from.name;
  return `${who}, ${clock(message.date)}${message.edited ? ", edited" : ""}${message.failed ? ", not sent" : ""}`;
}
