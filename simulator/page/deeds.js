// What the person does to messages and groups: each deed asks the simulator and says in words what it refused.
import * as api from "./api.js";
import { chooseChat, newGroup, writePost } from "./dialogs.js";

const PRESSED_MS = 15000; // so long a button waits for the bot

export class Deeds {
  /** `app` gives as, key, state, chat(key), guard, toast, refresh, go; `composer` and `thread` are told what to show. */
  constructor(app) {
    this.app = app;
    this.pressed = new Map();
    this.asGroup = new Set();
  }

  get place() {
    return [this.app.as, this.app.key];
  }

  /** With a part of its text selected, that part is quoted. */
  reply(message) {
    const part = selected(message.id);
    this.app.composer.replyTo(part ? { ...message, text: part, part: true } : message);
  }

  react(id, emoji) {
    this.app.guard(api.react(...this.place, id, emoji));
  }

  remove(message) {
    this.app.guard(api.remove(...this.place, message.id));
  }

  async forward(message) {
    const to = await chooseChat(this.app.state);
    if (!to || !(await this.app.guard(api.forward(this.app.as, message, to)))) return;
    if (to !== this.app.key) this.app.go(to);
  }

  stop(id) {
    this.app.guard(api.stop(...this.place, id));
  }

  async press(id, data, button) {
    button.classList.add("waiting");
    const answer = await this.app.guard(api.press(...this.place, id, data));
    if (!answer) return button.classList.remove("waiting");
    const over = setTimeout(() => this.released(answer.query), PRESSED_MS);
    this.pressed.set(answer.query, () => {
      clearTimeout(over);
      button.classList.remove("waiting");
    });
    return this.early?.query === answer.query ? this.answered(this.early) : undefined;
  }

  /** The bot answered; the event may be faster than the answer to our own request. */
  answered(event) {
    if (!this.pressed.has(event.query)) {
      this.early = event;
      return;
    }
    this.released(event.query);
    if (event.text) this.app.toast(event.text);
  }

  released(query) {
    this.pressed.get(query)?.();
    this.pressed.delete(query);
  }

  // Groups.

  async group() {
    const wanted = await newGroup(this.app.state);
    const made = wanted && await this.app.guard(api.group(this.app.as, wanted.title, wanted.people));
    if (made) await this.moved(made.chat);
  }

  member(bot, deed) {
    this.app.guard(api.member(...this.place, bot, deed)).then(() => this.app.refresh());
  }

  async migrate() {
    const made = await this.app.guard(api.migrate(...this.place));
    if (made) await this.moved(made.chat);
  }

  /** Goes to a chat that this page does not know yet. */
  async moved(key) {
    const state = await this.app.guard(api.state(this.app.as));
    if (!state) return;
    this.app.state = state;
    this.app.go(key);
  }

  async post() {
    const text = await writePost("Post in the linked channel");
    if (text) this.app.guard(api.announce(...this.place, text));
  }

  isAnonymous(key) {
    return this.asGroup.has(`${this.app.as} ${key}`);
  }

  anonymous() {
    const place = this.place.join(" ");
    if (!this.asGroup.delete(place)) this.asGroup.add(place);
    this.app.composer.source(this.app.chat(this.app.key), this.app.state);
    this.app.composer.focus();
  }
}

/** The words that are selected inside the text of one message; "" when there are none, or they reach out of it. */
function selected(id) {
  const selection = getSelection();
  const text = document.querySelector(`[data-id="${CSS.escape(String(id))}"] .text`);
  if (!text || selection.isCollapsed || !text.contains(selection.anchorNode) || !text.contains(selection.focusNode)) return "";
  return selection.toString().trim();
}
