// Turns names, dates and counts into what people read. Pure: values in, text or plain elements out.
import { h } from "./dom.js";

const DAY = 86400;
const clockText = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const weekdayText = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const shortText = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dateText = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const yearText = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

const dateOf = (unix) => new Date(unix * 1000);
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

function daysAgo(unix) {
  return Math.round((midnight(new Date()) - midnight(dateOf(unix))) / (DAY * 1000));
}

export const clock = (unix) => clockText.format(dateOf(unix));
export const fullDate = (unix) => `${yearText.format(dateOf(unix))}, ${clock(unix)}`;
export const sameDay = (a, b) => dateOf(a).toDateString() === dateOf(b).toDateString();

/** The words of a day separator. */
export function dayName(unix) {
  const ago = daysAgo(unix);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  const sameYear = dateOf(unix).getFullYear() === new Date().getFullYear();
  return (sameYear ? dateText : yearText).format(dateOf(unix));
}

/** The short time of the chat list: a clock today, a weekday this week, a date before. */
export function shortTime(unix) {
  const ago = daysAgo(unix);
  if (ago <= 0) return clock(unix);
  return (ago < 7 ? weekdayText : shortText).format(dateOf(unix));
}

/** One of eight colours, always the same for the same id (a group's is shifted, its ids resemble people's). */
export function colour(id) {
  return id < 0 ? (4 - id) % 8 : id % 8;
}

export function initials(name) {
  const words = name.split(/[\s_-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = words.map((word) => word.match(/[\p{L}\p{N}]/u)[0]);
  if (letters.length === 0) return [...name.trim()][0] ?? "?";
  return (letters.length > 1 ? letters[0] + letters.at(-1) : letters[0]).toUpperCase();
}

export function avatar(id, name, shape = "") {
  const text = shape === "topic" ? "#" : initials(name);
  return h("span", { class: `avatar c${colour(id)} ${shape}`, "aria-hidden": "true" }, text);
}

/** A chat's avatar: forum and topic are squares, everybody else is round. */
export function chatAvatar(chat, bot) {
  if (chat.kind === "topic") return avatar(chat.topic ?? 0, chat.title, "topic");
  if (chat.kind === "private") return avatar(bot.id, chat.title);
  return avatar(chat.chat_id, chat.title);
}

export const count = (number) => (number > 999 ? "999+" : String(number));
export const oneLine = (text) => text.replace(/\s+/gu, " ").trim();

/** Cuts a text into messages of at most `limit` UTF-16 units, at a line or a word if one is near, as Telegram's clients do. */
export function pieces(text, limit = 4096) {
  const out = [];
  let rest = text.trim();
  while (rest.length > limit) {
    const head = rest.slice(0, limit);
    const line = head.lastIndexOf("\n");
    const word = head.lastIndexOf(" ");
    let at = line > limit / 2 ? line : word > limit / 2 ? word : limit;
    if (/[\uD800-\uDBFF]/u.test(rest.charAt(at - 1))) at -= 1;
    out.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return rest ? [...out, rest] : out;
}

/** The size of a file in words. */
export function bytes(size) {
  if (size < 1000) return `${size} B`;
  const [unit, name] = size < 1e6 ? [1e3, "kB"] : [1e6, "MB"];
  const value = size / unit;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${name}`;
}

/** Seconds as minutes and seconds. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const KINDS = {
  photo: "Photo", document: "File", voice: "Voice message", audio: "Audio", video: "Video", sticker: "Sticker", location: "Location",
};

/** A message in a few words, for quotes and the list: its text, or what it carries. */
export function summary({ text, note, media }) {
  if (note) return note;
  const kind = media ? `${media.emoji ?? ""} ${KINDS[media.kind]}`.trim() : "";
  return oneLine(kind && text ? `${kind}: ${text}` : kind || text);
}

/** An emoji in colour: some are shown as black signs unless they ask for a picture. */
export const coloured = (emoji) => emoji.replace(/(?!\p{Emoji_Presentation})\p{Extended_Pictographic}(?!\uFE0F)/gu, "$&\uFE0F");
