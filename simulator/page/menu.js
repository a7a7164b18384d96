// What completes while one types: the bot's commands after `/`, and names after `@` in a group.
import { h } from "./dom.js";
import { avatar } from "./format.js";

export class Menu {
  constructor(field, root) {
    this.field = field;
    this.root = root;
    this.items = [];
    this.active = -1;
    this.source = { commands: [], names: [], group: false, bot: null };
    root.setAttribute("role", "listbox");
    root.setAttribute("aria-label", "Suggestions");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", root.id);
    field.addEventListener("input", () => this.update());
    field.addEventListener("click", () => this.update());
    field.addEventListener("blur", () => this.close());
    this.close();
  }

  get open() {
    return !this.root.hidden;
  }

  update() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const command = before.match(/^\/([\w]*)$/u);
    const name = this.source.group ? before.match(/(?:^|\s)@(\w*)$/u) : null;
    if (command) this.show(this.commands(command[1]), before.length - command[0].length);
    else if (name) this.show(this.names(name[1]), before.length - name[1].length - 1);
    else this.close();
  }

  commands(prefix) {
    const { commands, group, bot } = this.source;
    return commands.filter(({ command }) => command.startsWith(prefix.toLowerCase())).map(({ command, description }) => ({
      label: `/${command}`, about: description, exact: `/${command}`, text: group ? `/${command}@${bot.username}` : `/${command}`,
    }));
  }

  names(prefix) {
    const fits = ({ username, name }) => [username, name].some((text) => text.toLowerCase().startsWith(prefix.toLowerCase()));
    return this.source.names.filter((one) => one.username && fits(one)).map(({ id, name, username }) => ({
      label: name, about: `@${username}`, exact: `@${username}`, text: `@${username}`, face: avatar(id, name),
    }));
  }

  show(items, start) {
    if (items.length === 0) return this.close();
    Object.assign(this, { items, start });
    this.root.replaceChildren(...items.map((item, at) => this.option(item, at)));
    this.root.hidden = false;
    this.mark(0);
  }

  option(item, at) {
    return h("div", {
      class: "option", role: "option", id: `${this.root.id}-${at}`,
      onpointermove: () => this.active !== at && this.mark(at),
      onpointerdown: (event) => event.preventDefault(), // keeps the focus in the field
      onclick: () => this.complete(at),
    }, item.face, h("span", { class: "option-name" }, item.label), h("span", { class: "option-about" }, item.about));
  }

  mark(at) {
    this.active = at;
    [...this.root.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
    this.root.children[at].scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", this.root.children[at].id);
  }

  complete(at) {
    const { field, start } = this;
    const end = field.selectionStart;
    const text = `${this.items[at].text} `;
    field.focus();
    field.setRangeText(text, start, end, "end");
    this.close();
    field.dispatchEvent(new Event("input"));
  }

  close() {
    this.root.hidden = true;
    this.root.replaceChildren();
    this.items = [];
    this.field.removeAttribute("aria-activedescendant");
  }

  /** Takes the keys that steer an open menu; false when the key is not for it. */
  key(event) {
    if (!this.open) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const typed = this.field.value.slice(this.start).trim().toLowerCase();
    if (step) this.mark((this.active + step + this.items.length) % this.items.length);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab" && !event.shiftKey) this.complete(this.active);
    else if (event.key === "Enter" && !event.shiftKey && typed !== this.items[this.active].exact) this.complete(this.active);
    else return false;
    return true;
  }
}
