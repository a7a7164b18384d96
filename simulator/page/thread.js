// The conversation on the right: which messages are loaded, in what order they stand, and what is old, new or on its way.
import * as api from "./api.js";
import { calm, h } from "./dom.js";
import { Draft } from "./draft.js";
import { avatar, summary } from "./format.js";
import { Rows } from "./rows.js";
import { Scroll } from "./scroll.js";

const KEEP = 600; // rows on the page; older ones can be loaded again
const UNREAD_PAGES = 6; // how far back the first unread message is looked for when a chat opens
const SEARCH_PAGES = 40; // how far back a quoted message is looked for

export class Thread {
  /** `act` is what bubbles call (see bubble.js) with `seen(key, id)`, `stop(id)` and `toast(text)` besides. */
  constructor({ log, scroller, down }, act) {
    this.log = log;
    this.act = { ...act, jump: (id) => this.jump(id) };
    this.scroll = new Scroll(scroller, down, { top: () => this.older(), bottom: () => this.seen() });
    this.dots = h("div", { class: "row theirs dots-row", "aria-hidden": "true" });
    this.rows = new Rows(log);
    this.draft = new Draft({ stop: act.stop, gone: () => this.later() }, this.act);
    log.addEventListener("keydown", (event) => this.walk(event));
    log.addEventListener("focusin", (event) => this.roam(event.target.closest(".row")));
    this.clear();
  }

  clear() {
    this.chat = null;
    this.turn = (this.turn ?? 0) + 1;
    this.messages = new Map();
    this.rows.clear();
    this.draft.show(null);
    this.pending = [];
    this.more = false;
    this.loading = null;
    this.divider = null;
    this.reported = 0;
    this.typing = false;
    this.ready = false;
  }

  /** Shows a chat from its newest messages on; `pending` are own messages that wait to be sent. */
  async open(as, chat, bot, pending) {
    this.clear();
    Object.assign(this, { as, chat, bot, pending, group: chat.kind !== "private" });
    this.dots.replaceChildren(this.group ? h("span", { class: "side-avatar" }, avatar(bot.id, bot.name)) : "",
      h("div", { class: "bubble dots" }, h("i"), h("i"), h("i")));
    this.draft.show(chat.draft);
    await this.load(true);
  }

  /** Fetches the newest page again and lays it over what is there: after a reconnect nothing is missing. */
  async load(first = false) {
    const { turn, chat } = this;
    const { messages } = await api.messages(this.as, chat.key);
    if (turn !== this.turn) return;
    const known = [...this.messages.keys()];
    const gap = known.length > 0 && messages.length === api.PAGE && messages[0].id > Math.max(...known);
    if (gap) this.messages.clear(), this.rows.clear();
    if (first || gap) this.more = messages.length === api.PAGE;
    for (const message of messages) this.put(message);
    for (let page = 1; first && page < UNREAD_PAGES && this.more && this.others().length < chat.unread; page += 1) {
      if (!(await this.page())) break;
    }
    if (turn !== this.turn) return;
    if (first) this.divider = this.unread(chat.unread);
    this.ready = true;
    this.draw();
    if (first) this.scroll.start(this.divider === null ? null : this.rows.unreadLine, chat.unread);
    this.seen();
  }

  /** The first of so many unread messages; null when there is none, or all are answers to oneself: those were waited for. */
  unread(count) {
    const fresh = count > 0 ? this.others().slice(-count) : [];
    return fresh.length < count || fresh.every(({ reply }) => reply?.mine) ? null : fresh[0].id;
  }

  /** Loads the page before the oldest message; true when there was one. */
  older() {
    this.loading ??= this.fetchOlder().finally(() => { this.loading = null; });
    return this.loading;
  }

  async fetchOlder() {
    if (!this.more || !this.ready || this.messages.size === 0 || !(await this.page())) return false;
    this.scroll.keep(() => this.draw());
    return true;
  }

  /** Puts the page before the oldest message; false when it was empty or another chat is open by now. */
  async page() {
    const { turn } = this;
    const { messages } = await api.messages(this.as, this.chat.key, Math.min(...this.messages.keys()));
    if (turn !== this.turn) return false;
    this.more = messages.length === api.PAGE;
    for (const message of messages) this.put(message);
    return messages.length > 0;
  }

  put(message) {
    if (message.deleted) this.messages.delete(message.id);
    else this.messages.set(message.id, message);
  }

  /** An event of this chat: a new, edited or deleted message. */
  receive(type, message) {
    const known = this.messages.has(message.id);
    if (type !== "message") this.requote(message, type === "delete");
    if (type === "edit" && !known) return;
    this.put(type === "delete" ? { ...message, deleted: true } : message);
    if (type === "message" && message.mine) this.settle(message);
    if (type === "message" && message.from.bot) this.draft.show(null);
    const fresh = type === "message" && !known && !message.mine;
    if (fresh && !this.scroll.near) this.scroll.missed += 1;
    this.later();
  }

  /** Shows a changed message as it is now wherever it is quoted whole, and no longer where it was deleted. */
  requote(message, gone) {
    const { id } = message;
    for (const one of [...this.messages.values(), ...this.pending]) {
      if (one.reply?.id !== id || (one.reply.part && !gone)) continue;
      one.reply = gone ? null : { ...one.reply, text: summary(message) };
      this.redraw(one);
    }
  }

  /** The stream may be faster than the answer to our own request: whichever comes first ends the waiting. */
  settle(message) {
    const at = this.pending.findIndex((waiting) => !waiting.failed && waiting.text === message.text && !waiting.media === !message.media);
    if (at >= 0) this.pending.splice(at, 1);
  }

  setDraft(draft) {
    this.draft.show(draft);
    this.later();
  }

  setTyping(on) {
    if (this.typing === on) return;
    this.typing = on;
    this.later();
  }

  /** Draws once per frame, however many events arrive. A hidden page has no frames, so a timer takes over. */
  later() {
    if (this.planned) return;
    this.planned = true;
    const run = () => {
      if (!this.planned) return;
      this.planned = false;
      if (!this.chat) return;
      this.trim();
      this.draw();
      this.scroll.follow();
      this.seen();
    };
    requestAnimationFrame(run);
    setTimeout(run, 250);
  }

  trim() {
    if (this.messages.size <= KEEP || !this.scroll.near) return;
    for (const message of this.ordered().slice(0, -KEEP / 2)) {
      this.messages.delete(message.id);
    }
    this.more = true;
  }

  others() {
    return this.ordered().filter(({ mine, note }) => !mine && !note);
  }

  ordered() {
    return [...this.messages.values()].sort((a, b) => a.id - b.id);
  }

  draw() {
    const all = [...this.ordered(), ...this.pending];
    const empty = this.ready && all.length === 0 && !this.typing && !this.draft.shown;
    const end = this.draft.shown ? [this.draft.row] : this.typing ? [this.dots] : empty ? [this.welcome()] : [];
    this.rows.draw(all, { divider: this.divider, group: this.group, act: this.act, end });
    this.roam(this.log.querySelector('.row[tabindex="0"]') ?? this.rows.of(all.at(-1)?.id), false);
  }

  /** Makes the row of a message anew that changed in place (a pending one that failed, a quote). */
  redraw(message) {
    this.rows.forget(message.id);
    this.later();
  }

  welcome() {
    if (this.group) {
      return h("div", { class: "welcome" }, h("strong", {}, "No messages here yet"),
        h("p", {}, `Everybody here can talk. ${this.bot.name} answers when you mention `, h("b", {}, `@${this.bot.username}`), " or reply to it."));
    }
    return h("div", { class: "welcome" }, avatar(this.bot.id, this.bot.name), h("strong", {}, `What can ${this.bot.name} do?`),
      h("p", {}, "Ask it anything: it answers here. Or begin with its introduction."),
      h("button", { type: "button", class: "start", onclick: () => this.act.command("/start") }, "Start"));
  }

  seen() {
    const last = Math.max(0, ...this.messages.keys());
    if (!this.chat || !this.ready || !this.scroll.near || document.hidden || last <= this.reported) return;
    this.reported = last;
    this.act.seen(this.chat.key, last);
  }

  /** Brings a quoted message into view, loading older pages until it is there. */
  async jump(id) {
    const { turn } = this;
    for (let page = 0; page < SEARCH_PAGES && !this.rows.of(id); page += 1) {
      if (Math.min(...this.messages.keys()) < id || !(await this.older())) break;
    }
    if (turn !== this.turn) return;
    const row = this.rows.of(id);
    if (!row) return this.act.toast("That message is no longer there");
    row.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    row.focus({ preventScroll: true });
    row.classList.remove("flash");
    void row.offsetWidth; // restarts the animation when the same message is shown twice
    row.classList.add("flash");
    setTimeout(() => row.classList.remove("flash"), 2000);
  }

  lastOwn() {
    return this.ordered().findLast(({ mine, note, media, forwarded }) => mine && !note && !media && !forwarded);
  }

  /** One message is a tab stop; arrows move it. */
  roam(row, close = true) {
    if (!row || row === this.dots || row === this.draft.row) return;
    for (const other of this.log.querySelectorAll('.row[tabindex="0"]')) if (other !== row) other.tabIndex = -1;
    row.tabIndex = 0;
    if (close) for (const other of this.log.querySelectorAll(".acting")) if (other !== row) other.classList.remove("acting");
  }

  walk(event) {
    const row = event.target;
    if (!row.classList.contains("row") || event.ctrlKey || event.metaKey || event.altKey) return;
    const message = this.messages.get(Number(row.dataset.id));
    const rows = [...this.log.querySelectorAll("article.row")];
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) rows[rows.indexOf(row) + step]?.focus();
    else if (event.key === "End") rows.at(-1)?.focus();
    else if (message && (event.key === "Enter" || event.key === "r")) this.act.reply(message);
    else if (message?.mine && !message.media && event.key === "e") this.act.edit(message);
    else if (message?.mine && event.key === "Delete") this.act.remove(message);
    else return;
    event.preventDefault();
  }
}
