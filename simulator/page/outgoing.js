// Own messages on their way: shown at once, sent one after the other, kept with a "Send again" when that fails.
import * as api from "./api.js";
import { pieces } from "./format.js";

export class Outgoing {
  /** `changed(message)` is called when one appears, fails or leaves; `sent(message, answer)` when the simulator has it. */
  constructor({ changed, sent, failed }) {
    Object.assign(this, { changed, sent, failed, serial: 0, chats: new Map(), last: Promise.resolve() });
  }

  /** The messages that wait in a chat of a person: one live array, oldest first. */
  of(as, chat) {
    const id = `${as} ${chat}`;
    if (!this.chats.has(id)) this.chats.set(id, []);
    return this.chats.get(id);
  }

  /** Sends a text as `me`, in several messages when it is too long for one. */
  send(me, chat, text, reply) {
    const quoted = reply && { id: reply.id, name: reply.from.name, text: reply.text, mine: reply.mine, part: false };
    pieces(text).forEach((piece, at) => this.post({
      chat, from: { ...me, bot: false }, mine: true, pending: true, text: piece, entities: [], reply: at === 0 ? quoted : null,
    }));
  }

  post(draft) {
    this.serial += 1;
    const message = { ...draft, id: `waiting ${this.serial}`, failed: false, date: Math.floor(Date.now() / 1000) };
    this.of(message.from.id, message.chat).push(message);
    this.changed(message);
    this.last = this.last.then(() => this.deliver(message));
  }

  async deliver(message) {
    try {
      const answer = await api.send(message.from.id, message.chat, message.text, message.reply?.id);
      this.discard(message);
      this.sent(message, answer.message);
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      message.failed = true;
      this.changed(message);
      this.failed(error);
    }
  }

  retry(message) {
    this.discard(message);
    this.post(message);
  }

  discard(message) {
    const waiting = this.of(message.from.id, message.chat);
    const at = waiting.indexOf(message);
    if (at >= 0) waiting.splice(at, 1);
    this.changed(message);
  }
}
