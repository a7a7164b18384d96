// The line above a conversation: way back, who it is with, what the bot is doing, and blocking it.
import { button, h, say } from "./dom.js";
import { chatAvatar } from "./format.js";

export class Head {
  constructor(root, { back, block }) {
    this.root = root;
    this.title = h("h1", { class: "title", tabindex: "-1" });
    this.about = h("p", { class: "subtitle" });
    this.face = h("span", { class: "head-face" });
    this.block = h("button", { type: "button", class: "block", onclick: () => block(!this.blocked) });
    root.append(button("back", "Back to the chats", back, "tool back"), this.face,
      h("div", { class: "words" }, this.title, this.about), this.block);
  }

  draw(chat, { bot, people }, typing) {
    if (this.key !== chat.key) this.face.replaceChildren(chatAvatar(chat, bot));
    this.key = chat.key;
    this.blocked = Boolean(chat.blocked);
    say(this.title, chat.title);
    say(this.about, typing ? (chat.kind === "private" ? "typing…" : `${bot.name} is typing…`) : chat.subtitle);
    const here = [...people.filter((person) => chat.members.includes(person.id)), bot];
    this.about.title = here.map((one) => one.name).join(", ");
    this.about.classList.toggle("typing", typing);
    this.block.hidden = chat.kind !== "private";
    say(this.block, this.blocked ? "Unblock" : "Block");
    this.block.title = this.blocked ? "Let the bot write again" : "The bot can no longer write to you";
  }
}
