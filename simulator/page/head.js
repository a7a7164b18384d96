// The line above a conversation: way back, who it is with, what the bot is doing; blocking it, or ruling the group.
import { menu } from "./actions.js";
import { button, h, say } from "./dom.js";
import { chatAvatar } from "./format.js";

export class Head {
  /** `deeds` are called from the menu of a group: member(bot, deed), migrate(), post(), anonymous(). */
  constructor(root, { back, block, deeds }) {
    Object.assign(this, { root, deeds });
    this.title = h("h1", { class: "title", tabindex: "-1" });
    this.about = h("p", { class: "subtitle" });
    this.face = h("span", { class: "head-face" });
    this.block = h("button", { type: "button", class: "block", onclick: () => block(!this.blocked) });
    this.more = button("more", "Group menu", () => this.open(), "tool more");
    this.more.setAttribute("aria-haspopup", "menu");
    this.corner = h("div", { class: "corner" }, this.more);
    root.append(button("back", "Back to the chats", back, "tool back"), this.face,
      h("div", { class: "words" }, this.title, this.about), this.block, this.corner);
  }

  draw(chat, { bot, people }, typing) {
    if (this.key !== chat.key) this.face.replaceChildren(chatAvatar(chat, bot));
    this.key = chat.key;
    this.chat = chat;
    this.blocked = Boolean(chat.blocked);
    say(this.title, chat.title);
    say(this.about, typing ? (chat.kind === "private" ? "typing…" : `${bot.name} is typing…`) : chat.subtitle);
    const here = [...people.filter((person) => chat.members.includes(person.id)), bot];
    this.about.title = here.map((one) => one.name).join(", ");
    this.about.classList.toggle("typing", typing);
    this.block.hidden = chat.kind !== "private";
    this.corner.hidden = !chat.chief;
    const ruled = JSON.stringify([chat.key, chat.bots, chat.small]);
    if (this.ruled !== ruled) this.refresh?.();
    this.ruled = ruled;
    say(this.block, this.blocked ? "Unblock" : "Block");
    this.block.title = this.blocked ? "Let the bot write again" : "The bot can no longer write to you";
  }

  /** Only who commands the group sees the menu. */
  open() {
    const close = () => {
      panel.remove();
      this.refresh = null;
      this.more.setAttribute("aria-expanded", "false");
      document.removeEventListener("pointerdown", outside);
    };
    const outside = (event) => panel.contains(event.target) || this.more.contains(event.target) || close();
    if (this.refresh) return this.close();
    const panel = menu(this.entries(), close);
    panel.addEventListener("keydown", (event) => this.walk(event, panel, close));
    this.more.after(panel);
    this.refresh = () => {
      panel.replaceChildren(...menu(this.entries(), close).childNodes);
      panel.querySelector("button").focus();
    };
    this.more.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside);
    this.close = close;
    panel.querySelector("button").focus();
    return undefined;
  }

  entries() {
    const { chat, deeds } = this;
    const bots = chat.bots.flatMap(({ id, name, status }) => {
      const does = (sign, words, deed) => [sign, words, () => deeds.member(id, deed)];
      if (!["member", "administrator", "restricted"].includes(status)) return [does("add", `Add ${name}`, "add")];
      return [
        status === "administrator" ? does("down", `Make ${name} a plain member`, "demote") : does("done", `Make ${name} an administrator`, "promote"),
        status === "restricted" ? does("smile", `Let ${name} speak`, "demote") : does("block", `Mute ${name}`, "mute"),
        does("close", `Remove ${name}`, "remove"),
      ];
    });
    const own = [["group", deeds.isAnonymous() ? "Speak as yourself" : "Speak as the group", deeds.anonymous], ["forward", "Post in the linked channel…", deeds.post]];
    return [...bots, null, ...own, ...(chat.small ? [["group", "Turn into a supergroup", deeds.migrate]] : [])];
  }

  walk(event, panel, close) {
    const items = [...panel.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      close();
      this.more.focus();
    } else if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
