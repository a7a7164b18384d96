// The rows of a conversation: days, albums as one row, runs of one person, and at the end what the bot is just doing.
import { bubble, renew } from "./bubble.js";
import { arrange, h } from "./dom.js";
import { dayName, sameDay } from "./format.js";

const RUN_SECONDS = 300; // messages of one person closer than this stand together

export class Rows {
  constructor(log) {
    this.log = log;
    this.unreadLine = h("p", { class: "unread-line" }, h("span", { class: "pill" }, "New messages"));
    this.clear();
  }

  clear() {
    this.known = new Map();
    this.days = new Map();
    this.log.replaceChildren();
  }

  /** The row that shows a message, also as part of an album. */
  of(id) {
    return this.known.get(id) ?? [...this.known.values()].find((row) => row.shown?.some((part) => part.id === id));
  }

  forget(id) {
    const row = this.of(id);
    if (row) this.known.delete(row.shown?.[0]?.id ?? id);
  }

  /** Draws `messages`, oldest first, with `end` below them; `divider` is the id of the first unread one. */
  draw(messages, { divider, group, act, end }) {
    const units = albums(messages);
    const days = new Map();
    units.forEach((parts, at) => {
      const [before, [message], after] = [units[at - 1]?.at(-1), parts, units[at + 1]?.[0]];
      const day = this.day(message.date);
      if (!days.has(day)) days.set(day, [day.firstChild]);
      if (parts.some(({ id }) => id === divider)) days.get(day).push(this.unreadLine);
      const row = this.row(parts, group, act);
      row.classList.toggle("first", !joins(before, message) || message.id === divider);
      row.classList.toggle("last", !joins(message, after) || after?.id === divider);
      days.get(day).push(row);
    });
    for (const [day, nodes] of days) arrange(day, nodes);
    arrange(this.log, [...days.keys(), ...end]);
    const shown = new Set(units.map(([{ id }]) => id));
    for (const id of this.known.keys()) if (!shown.has(id)) this.known.delete(id);
  }

  row(parts, group, act) {
    const [{ id }] = parts;
    const known = this.known.get(id);
    const same = known && known.shown?.length === parts.length && parts.every((part, at) => known.shown[at] === part);
    if (same || (known && renew(known, parts, group, act))) return known;
    const row = bubble(parts, group, act);
    row.shown = parts;
    this.known.set(id, row);
    return row;
  }

  /** The group of a day's messages, which begins with the day's name. */
  day(unix) {
    const words = dayName(unix);
    if (!this.days.has(words)) {
      this.days.set(words, h("div", { class: "day-group" }, h("p", { class: "day" }, h("span", { class: "pill" }, words))));
    }
    return this.days.get(words);
  }
}

/** Neighbours of one album together, everything else alone. */
function albums(messages) {
  const units = [];
  for (const message of messages) {
    const last = units.at(-1);
    if (message.album && last?.[0].album === message.album) last.push(message);
    else units.push([message]);
  }
  return units;
}

function joins(before, after) {
  return Boolean(before && after) && !before.note && !after.note && before.from.id === after.from.id
    && sameDay(before.date, after.date) && after.date - before.date < RUN_SECONDS;
}
