// The page's table of contents: keeps the state, listens to the simulator and tells list, thread and composer what to show.
import { offered } from "./actions.js";
import * as api from "./api.js";
import { Composer } from "./composer.js";
import { Deeds } from "./deeds.js";
import { narrow } from "./dom.js";
import { summary } from "./format.js";
import { Head } from "./head.js";
import { Link } from "./link.js";
import { List } from "./list.js";
import { Outgoing } from "./outgoing.js";
import { Picker } from "./people.js";
import { Thread } from "./thread.js";

const TYPING_MS = 5000; // as long as Telegram shows it
const $ = (id) => document.getElementById(id);

class App {
  constructor() {
    this.state = null;
    this.as = this.key = null;
    this.homeward = false;
    this.cursor = 0;
    this.typing = new Map();
    this.connection = new Link($("offline"), { take: (state) => this.take(state), event: (event) => this.event(event) });
    this.outgoing = new Outgoing({
      changed: (message) => this.outgoingChanged(message), failed: (error) => this.toast(error.message),
      sent: (message, answer) => this.isOpen(message) && this.thread.receive("message", answer),
    });
    const deeds = this.deeds = new Deeds(this);
    const people = { choose: (id) => this.speak(id), add: (name) => this.addPerson(name), language: (code) => this.guard(api.language(this.as, code)) };
    this.list = new List($("chats"), $("search"), { open: (key) => this.go(key), link: (key) => this.address(key) });
    this.head = new Head($("head"), { back: () => this.go(null), block: (on) => this.block(on), deeds: {
      member: (bot, deed) => deeds.member(bot, deed), migrate: () => deeds.migrate(), post: () => deeds.post(),
      anonymous: () => deeds.anonymous(), isAnonymous: () => deeds.isAnonymous(this.key),
    } });
    this.composer = new Composer($("composer"), {
      send: (draft) => this.send(draft), edit: (message, text) => this.edit(message, text),
      speaksAs: (chat) => (deeds.isAnonymous(chat.key) ? chat.title : ""),
      lastOwn: () => this.thread.lastOwn(), jump: (id) => this.thread.jump(id),
    });
    this.pickers = [new Picker($("speaker"), people), new Picker(this.composer.speaker, { ...people, small: true })];
    this.thread = new Thread({ log: $("log"), scroller: $("scroll"), down: $("down") }, {
      reply: (message) => deeds.reply(message), edit: (message) => this.composer.edit(message), remove: (message) => deeds.remove(message),
      forward: (message) => deeds.forward(message), react: (id, emoji) => deeds.react(id, emoji),
      press: (id, data, button) => deeds.press(id, data, button), stop: (id) => deeds.stop(id),
      command: (text) => this.command(text), mention: (text) => this.composer.insert(text),
      retry: (message) => this.outgoing.retry(message), discard: (message) => this.outgoing.discard(message),
      seen: (key, id) => this.seen(key, id), toast: (text) => this.toast(text),
    });
    this.composer.dropZone($("conversation"));
    $("new-group").addEventListener("click", () => deeds.group());
    $("search").addEventListener("input", () => this.draw());
    addEventListener("hashchange", () => this.route());
    document.addEventListener("visibilitychange", () => this.thread.seen());
    document.addEventListener("keydown", (event) => this.shortcut(event));
  }

  // Where we are: the hash names who speaks and the open chat, so a reload or a restart shows the same.

  start() {
    this.connection.connect(this.place().as);
  }

  place() {
    const query = new URLSearchParams(location.hash.slice(1));
    return { as: Number(query.get("as")) || null, chat: query.get("chat") };
  }

  address(key) {
    return `#as=${this.as}${key ? `&chat=${key}` : ""}`;
  }

  go(key) {
    const address = this.address(key);
    if (location.hash !== address) history.pushState(null, "", address);
    this.show(key);
    if (key && !matchMedia("(pointer: coarse)").matches) this.composer.focus();
  }

  route() {
    const { as, chat } = this.place();
    if (!this.state) return;
    if (as && as !== this.as) this.speak(as, chat);
    else this.show(chat);
  }

  chat(key) {
    return this.state?.chats.find((chat) => chat.key === key);
  }

  show(key) {
    const chat = this.chat(key);
    document.body.dataset.view = chat ? "thread" : "list";
    $("nothing").hidden = Boolean(chat);
    $("conversation").hidden = !chat;
    const changed = this.key !== (chat?.key ?? null);
    this.key = chat?.key ?? null;
    if (changed) this.drawPickers();
    if (chat && changed) this.openThread(chat);
    if (!chat) this.thread.clear();
    this.draw();
  }

  openThread(chat) {
    this.composer.turn(`${this.as} ${chat.key}`, chat, this.state);
    this.guard(this.thread.open(this.as, chat, this.state.bot, this.outgoing.of(this.as, chat.key)));
    this.thread.setTyping(this.typing.has(chat.key));
  }

  drawPickers() {
    for (const picker of this.pickers) picker.draw(this.state, this.chat(this.key));
  }

  draw() {
    if (!this.state) return;
    const chat = this.chat(this.key);
    this.list.draw(this.state, this.key, this.typing);
    if (chat) this.head.draw(chat, this.state, this.typing.has(this.key));
    const unread = this.state.chats.reduce((sum, { unread: one }) => sum + one, 0);
    const name = `${this.state.bot.name} chat`;
    document.title = unread ? `(${unread}) ${name}` : name;
  }

  // What the simulator tells.

  take(state) {
    const same = this.state?.me.id === state.me.id;
    this.state = state;
    this.as = state.me.id;
    this.cursor = state.cursor;
    offered.emoji = state.reactions;
    for (const chat of state.chats) if (chat.typing) this.startTyping(chat.key);
    const place = this.place();
    const home = state.chats.find((chat) => chat.kind === "private");
    const key = this.chat(place.chat)?.key ?? (narrow() && !place.chat && !this.homeward ? null : home?.key ?? null);
    this.homeward = false;
    history.replaceState(null, "", this.address(key));
    if (same && key === this.key && key) {
      this.guard(this.thread.load());
      this.thread.setDraft(this.chat(key).draft);
    }
    if (!same) this.key = null;
    this.show(key);
    this.drawPickers();
    if (same && key) this.composer.source(this.chat(key), state);
  }

  /** Fetches chats and unread counts again, at most once in a while however many events ask for it. */
  refresh() {
    this.refreshing ??= setTimeout(async () => {
      this.refreshing = null;
      const as = this.as;
      const state = await this.guard(api.state(as));
      if (!state || as !== this.as) return;
      if (state.cursor < this.cursor) return this.refresh();
      this.state = state;
      this.drawPickers();
      const chat = this.chat(this.key);
      if (chat) this.composer.source(chat, state);
      this.draw();
    }, 200);
  }

  event(event) {
    const { n, type, chat: key, message } = event;
    const fresh = n > this.state.cursor; // the state may know it already
    const chat = this.chat(key);
    this.cursor = Math.max(this.cursor, n);
    if (type === "commands" || (!chat && type !== "typing")) return this.refresh();
    if (type === "typing") return this.startTyping(key);
    if (type === "answer") return this.deeds.answered(event);
    if (type === "draft") return this.drafted(chat, event.draft);
    if (type === "read") return key === this.key ? undefined : this.refresh();
    if (message) this.eventAbout(type, chat, message, fresh);
    this.draw();
  }

  eventAbout(type, chat, message, fresh) {
    if (type === "message" && message.from.bot) this.stopTyping(chat.key);
    if (type === "message" && fresh) this.newest(chat, message);
    if (type === "edit" && chat.last?.date === message.date && chat.last.name === message.from.name) chat.last.text = summary(message);
    if (type === "edit") this.composer.renew(message);
    if (type === "delete") {
      this.composer.forget(message.id);
      this.refresh();
    }
    if (chat.key === this.key) this.thread.receive(type, message);
  }

  drafted(chat, draft) {
    chat.draft = draft;
    if (draft) this.stopTyping(chat.key);
    if (chat.key === this.key) this.thread.setDraft(draft);
  }

  newest(chat, message) {
    chat.last = { name: message.note ? "" : message.from.name, text: summary(message), date: message.date };
    if (message.from.bot) chat.draft = null;
    if (message.mine || message.note) return;
    const watched = chat.key === this.key && this.thread.scroll.near && !document.hidden;
    if (!watched) chat.unread += 1;
    if (chat.key === this.key) $("live").textContent = `${message.from.name}: ${summary(message)}`;
  }

  startTyping(key) {
    clearTimeout(this.typing.get(key));
    this.typing.set(key, setTimeout(() => this.stopTyping(key), TYPING_MS));
    if (key === this.key) this.thread.setTyping(true);
    this.draw();
  }

  stopTyping(key) {
    clearTimeout(this.typing.get(key));
    this.typing.delete(key);
    if (key === this.key) this.thread.setTyping(false);
    this.draw();
  }

  // What the person does.

  async speak(id, key = this.key) {
    if (id === this.as) return;
    this.homeward = this.chat(key)?.kind === "private"; // a private chat is one's own: the next person has another
    for (const timer of this.typing.values()) clearTimeout(timer);
    this.typing.clear();
    this.as = id;
    history.replaceState(null, "", this.address(this.homeward ? null : key));
    await this.connection.connect(id);
    if (this.key) this.composer.focus();
  }

  async addPerson(name) {
    const added = await this.guard(api.addPerson(name));
    if (added) await this.speak(added.person.id);
  }

  command(text) {
    const { kind } = this.chat(this.key);
    const addressed = kind === "private" || text.includes("@") ? text : `${text}@${this.state.bot.username}`;
    this.send({ text: addressed, reply: null });
  }

  send(draft) {
    this.outgoing.send(this.state.me, this.key, { ...draft, anonymous: this.deeds.isAnonymous(this.key) });
  }

  isOpen(message) {
    return message.from.id === this.as && message.chat === this.key;
  }

  outgoingChanged(message) {
    if (!this.isOpen(message)) return;
    if (!message.failed) this.thread.divider = null;
    this.thread.scroll.near = true;
    this.thread.redraw(message);
  }

  edit(message, text) {
    return this.guard(api.edit(this.as, message.chat, message.id, text));
  }

  async block(blocked) {
    if (await this.guard(api.block(this.as, blocked))) {
      this.chat(this.key).blocked = blocked;
      this.draw();
      this.refresh();
    }
  }

  seen(key, id) {
    const chat = this.chat(key);
    if (chat) chat.unread = 0;
    this.draw();
    api.read(this.as, key, id).catch(() => {}); // lost: the next state counts them as unread again
  }

  shortcut(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.altKey && step) {
      event.preventDefault();
      const key = this.list.neighbour(this.key, step);
      if (key) this.go(key);
    } else if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      $("search").focus();
    } else if (event.key === "Escape" && !event.defaultPrevented && this.key) {
      if (narrow()) this.go(null);
      else if (!this.composer.cancel()) this.composer.focus();
    } else if (event.target === document.body && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && this.key) {
      this.composer.focus();
    }
  }

  /** Says an error to the person instead of losing it in the console; undefined then. */
  async guard(promise) {
    try {
      return await promise;
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      this.toast(error.message);
      return undefined;
    }
  }

  toast(text) {
    $("toast").textContent = text;
    $("toast").hidden = false;
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => { $("toast").hidden = true; }, 5000);
  }
}

new App().start();
