// Where one writes: a field that grows, reply and edit modes, drafts that wait in their chats.
import { Attach, stickers } from "./attach.js";
import { choosePlace } from "./dialogs.js";
import { button, h, icon, narrow, say } from "./dom.js";
import { oneLine, summary } from "./format.js";
import { Menu } from "./menu.js";

export class Composer {
  /** `act` has speaksAs(chat), send({ text, reply, parts, place }), edit(message, text), lastOwn() and jump(id). */
  constructor(form, act) {
    this.form = form;
    this.act = act;
    this.drafts = new Map();
    this.reply = this.editing = null;
    this.attach = new Attach(() => this.changed());
    this.build();
    this.menu = new Menu(this.field, this.options);
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("paste", (event) => this.pasted(event));
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
    this.clip = button("attach", "Attach", () => this.offer(), "tool clip");
    this.offers = h("div", { class: "menu offers", role: "menu", hidden: true, onkeydown: (event) => this.leaveOffers(event) });
    this.form.append(this.options, this.offers, h("div", { class: "box" }, this.strip, this.attach.tray,
      h("div", { class: "line" }, this.speaker, this.field, this.slash, this.clip, this.attach.input)), this.submitButton);
    document.addEventListener("pointerdown", ({ target }) => this.offers.contains(target) || this.clip.contains(target) || this.close());
  }

  /** What can be attached: a menu over the paper clip. */
  offer() {
    if (!this.offers.hidden) return this.close();
    const entry = (sign, words, deed) => h("button", { type: "button", role: "menuitem", class: "entry", onclick: () => {
      this.close();
      deed();
    } }, icon(sign), words);
    const place = async () => {
      const chosen = await choosePlace();
      if (chosen) this.give({ text: "", place: chosen });
    };
    this.offers.replaceChildren(entry("photo", "Photo or video", () => this.attach.pick("image/*,video/*")),
      entry("sound", "Voice or music", () => this.attach.pick("audio/*")), entry("file", "File", () => this.attach.pick("")), entry("place", "Location", place),
      stickers((part) => {
        this.close();
        this.give({ text: "", parts: [part] });
      }));
    this.offers.hidden = false;
    this.offers.querySelector("button").focus();
    return undefined;
  }

  close() {
    this.offers.hidden = true;
  }

  leaveOffers(event) {
    const items = [...this.offers.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") {
      this.close();
      this.clip.focus();
    } else if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Files may be dropped anywhere on the conversation. */
  dropZone(zone) {
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    zone.addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      zone.classList.add("dropping");
    });
    for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("dropping"));
    zone.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      this.attach.add([...event.dataTransfer.files]);
      this.focus();
    });
  }

  pasted(event) {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    this.attach.add(files);
  }

  get about() {
    return this.editing ?? this.reply;
  }

  /** Turns to another chat (or another person in it); `id` names the draft. */
  turn(id, chat, state) {
    this.keep();
    this.id = id;
    this.attach.take();
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
    const name = this.act.speaksAs(chat);
    this.field.placeholder = name ? `Write as ${name}` : group && !narrow() ? `Write a message, @${bot.username} to ask the bot` : "Write a message";
    this.slash.hidden = chat.commands.length === 0;
    if (this.menu.open) this.menu.update();
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
    this.submitButton.disabled = !field.value.trim() && this.attach.parts.length === 0;
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
    if (this.reply?.id !== message.id || this.reply.part) return;
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
    say(this.stripName, this.editing ? "Edit message" : `${message.part ? "Quote" : "Reply to"} ${message.mine ? "yourself" : message.from.name}`);
    say(this.stripText, message.part ? oneLine(message.text) : summary(message));
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
    const { editing } = this;
    if (!text && (editing || this.attach.parts.length === 0)) return;
    if (editing) {
      this.cancel();
      if (text !== editing.text) this.act.edit(editing, text);
      return;
    }
    this.field.value = "";
    const parts = this.attach.take();
    this.give({ text, ...(parts.length ? { parts } : {}) });
  }

  /** Sends with the reply that is set; words in the field that are not part of it stay. */
  give(draft) {
    const { reply } = this;
    this.reply = null;
    this.drafts.delete(this.id);
    this.showStrip();
    this.menu.close();
    this.changed();
    this.focus();
    this.act.send({ ...draft, reply });
  }
}
