// Own messages on their way: shown at once, sent one after the other, kept with a "Send again" when that fails.
import * as api from "./api.js";
import { pieces, summary } from "./format.js";

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

  /** Sends a draft as `me`: words (in several messages when they are too long for one), files with a caption, or a place. */
  send(me, chat, draft) {
    if (draft.parts || draft.place) return this.post({ me, chat, draft });
    pieces(draft.text).forEach((text, at) => this.post({ me, chat, draft: { ...draft, text, reply: at === 0 ? draft.reply : null } }));
    return undefined;
  }

  /** One request: `unit` becomes one message, or one for each file. */
  post(unit) {
    const { draft, chat, me } = unit;
    const shown = draft.parts ?? [null];
    this.serial += 1;
    unit.messages = shown.map((part, at) => ({
      unit, chat, from: { ...me, bot: false }, mine: true, pending: true, failed: false, entities: [],
      id: `waiting ${this.serial} ${at}`, album: shown.length > 1 ? `waiting ${this.serial}` : "",
      text: at === 0 ? draft.text : "", media: part ? { ...part, name: part.file.name, size: part.file.size } : draft.place ? { kind: "location", ...draft.place } : null,
      reply: at === 0 ? quoted(draft.reply) : null, date: Math.floor(Date.now() / 1000),
    }));
    for (const message of unit.messages) {
      this.of(me.id, chat).push(message);
      this.changed(message);
    }
    this.last = this.last.then(() => this.deliver(unit));
  }

  async deliver(unit) {
    try {
      const answer = await api.send(unit.me.id, unit.chat, unit.draft);
      this.leave(unit);
      for (const one of answer.messages ?? [answer.message]) this.sent(unit.messages[0], one);
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      for (const message of unit.messages) {
        message.failed = true;
        this.changed(message);
      }
      this.failed(error);
    }
  }

  retry({ unit }) {
    this.leave(unit);
    this.post(unit);
  }

  discard({ unit }) {
    this.leave(unit);
  }

  leave(unit) {
    const waiting = this.of(unit.me.id, unit.chat);
    for (const message of unit.messages) {
      const at = waiting.indexOf(message);
      if (at >= 0) waiting.splice(at, 1);
      this.changed(message);
    }
  }
}

function quoted(reply) {
  return reply && { id: reply.id, name: reply.from.name, text: reply.part ? reply.text : summary(reply), mine: reply.mine, part: Boolean(reply.part) };
}
