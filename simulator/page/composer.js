// Where one writes: a field that grows, reply and edit modes, drafts that wait in their chats.
import { button, h, icon, narrow, say } from "./dom.js";
import { oneLine } from "./format.js";
import { Menu } from "./menu.js";

export class Composer {
  /** `act` has send(text, reply), edit(message, text), lastOwn() and jump(id). */
  constructor(form, act) {
    this.form = form;
    this.act = act;
    this.drafts = new Map();
    this.reply = this.editing = null;
    this.build();
    this.menu = new Menu(this.field, this.options);
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    form.addEventListener("submit", (event) => this.submit(event));
    this.changed();
  }

  build() {
    this.field = h("textarea", {
      id: "field", rows: "1", "aria-label": "Message", enterkeyhint: "send", autocapitalize: "sentences",
    });
    this.options = h("div", { id: "options", class: "options" });
    this.stripName = h("span", { class: "quote-name" });
    this.stripText = h("span", { class: "quote-text" });
    this.stripIcon = h("span", { class: "strip-icon" });
    const quoted = h("button", { type: "button", class: "strip-quote", onclick: () => this.about && this.act.jump(this.about.id) },
      this.stripName, this.stripText);
    this.strip = h("div", { class: "strip", hidden: true }, this.stripIcon, quoted, button("close", "Cancel", () => this.cancel()));
    this.speaker = h("div", { class: "picker small" });
    this.slash = h("button", { type: "button", class: "slash", "aria-label": "Commands", title: "Commands", onclick: () => this.startCommand() }, "/");
    this.submitButton = h("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send" }, icon("send"));
    this.form.append(this.options, h("div", { class: "box" }, this.strip,
      h("div", { class: "line" }, this.speaker, this.field, this.slash)), this.submitButton);
  }

  get about() {
    return this.editing ?? this.reply;
  }

  /** Turns to another chat (or another person in it); `id` names the draft. */
  turn(id, chat, state) {
    this.keep();
    this.id = id;
    const draft = this.drafts.get(id);
    this.field.value = draft?.text ?? "";
    this.reply = draft?.reply ?? null;
    this.editing = null;
    this.source(chat, state);
    this.showStrip();
    this.menu.close();
    this.changed();
  }

  /** What completes: the bot's commands, and in a group the names. */
  source(chat, { bot, people, me }) {
    const group = chat.kind !== "private";
    const others = people.filter((person) => chat.members.includes(person.id) && person.id !== me.id);
    this.menu.source = { commands: chat.commands, bot, group, names: [bot, ...others] };
    this.field.placeholder = group && !narrow() ? `Write a message, @${bot.username} to ask the bot` : "Write a message";
    this.slash.hidden = chat.commands.length === 0;
  }

  keep() {
    if (this.id === undefined || this.editing) return;
    if (this.field.value.trim() || this.reply) this.drafts.set(this.id, { text: this.field.value, reply: this.reply });
    else this.drafts.delete(this.id);
  }

  changed() {
    const { field } = this;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    this.submitButton.disabled = !field.value.trim();
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  replyTo(message) {
    if (this.editing) this.cancel();
    this.reply = message;
    this.showStrip();
    this.focus();
  }

  edit(message) {
    if (!this.editing) this.keep();
    this.reply = null;
    this.editing = message;
    this.field.value = message.text;
    this.showStrip();
    this.changed();
    this.focus();
    this.field.setSelectionRange(message.text.length, message.text.length);
  }

  /** Leaves reply or edit mode; true when there was one. */
  cancel() {
    if (!this.about) return false;
    const text = this.editing ? this.drafts.get(this.id)?.text ?? "" : this.field.value;
    this.reply = this.editing = null;
    this.field.value = text;
    this.showStrip();
    this.changed();
    this.focus();
    return true;
  }

  /** The message that is replied to was edited. */
  renew(message) {
    if (this.reply?.id !== message.id) return;
    this.reply = message;
    this.showStrip();
  }

  /** The message that is replied to or edited was deleted. */
  forget(id) {
    if (this.about?.id === id) this.cancel();
  }

  showStrip() {
    const message = this.about;
    this.strip.hidden = !message;
    this.form.classList.toggle("editing", Boolean(this.editing));
    this.submitButton.replaceChildren(icon(this.editing ? "done" : "send"));
    this.submitButton.setAttribute("aria-label", this.editing ? "Save" : "Send");
    if (!message) return;
    this.stripIcon.replaceChildren(icon(this.editing ? "edit" : "reply"));
    say(this.stripName, this.editing ? "Edit message" : `Reply to ${message.mine ? "yourself" : message.from.name}`);
    say(this.stripText, oneLine(message.text));
  }

  startCommand() {
    if (!this.field.value.startsWith("/")) this.field.value = "/";
    this.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
    this.changed();
    this.menu.update();
  }

  insert(text) {
    const gap = this.field.value && !/\s$/u.test(this.field.value) ? " " : "";
    this.focus();
    this.field.setRangeText(`${gap}${text} `, this.field.selectionStart, this.field.selectionEnd, "end");
    this.changed();
  }

  key(event) {
    if (event.isComposing) return;
    if (this.menu.key(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      this.submit(event);
    } else if (event.key === "Escape" && this.cancel()) {
      event.stopPropagation();
    } else if (event.key === "ArrowUp" && !event.altKey && !event.shiftKey && !this.field.value && !this.about) {
      const last = this.act.lastOwn();
      if (last) event.preventDefault(), this.edit(last);
    }
  }

  submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    const { editing, reply } = this;
    if (editing) {
      this.cancel();
      if (text !== editing.text) this.act.edit(editing, text);
      return;
    }
    this.field.value = "";
    this.reply = null;
    this.drafts.delete(this.id);
    this.showStrip();
    this.menu.close();
    this.changed();
    this.focus();
    this.act.send(text, reply);
  }
}
