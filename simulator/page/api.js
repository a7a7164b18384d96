// Speaks with the simulator: its questions, its deeds and one stream of events.

/** What the simulator refused, in its own words; `lost` is true when it did not answer at all. */
export class ApiError extends Error {
  constructor(message, lost = false) {
    super(message);
    this.lost = lost;
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(options?.body instanceof FormData ? 60000 : 15000) });
  } catch {
    throw new ApiError("The simulator does not answer", true);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(body.error ?? `The simulator answered ${response.status}`, response.status >= 500);
  return body;
}

function get(path, query) {
  const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return call(`/chat/${path}?${new URLSearchParams(known)}`);
}

// A header of our own makes the browser ask first when another site tries the same: the simulator then refuses.
const OURS = { "X-Lanekeeper-Page": "1" };

function post(path, body) {
  const headers = { ...OURS, "Content-Type": "application/json" };
  return call(`/chat/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Sends files in one form; `parts` have file, kind, and where they have it small (a lesser picture), duration, emoji. */
function upload({ as, chat, text, reply_to, quote, parts }) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ as, chat, text, reply_to, quote })) if (value) form.append(name, value);
  form.append("about", JSON.stringify(parts.map(({ kind, duration = 0, emoji = "" }) => ({ kind, duration, emoji }))));
  parts.forEach(({ file, small }, at) => {
    form.append("file", file, file.name);
    if (small) form.append(`small${at}`, small, "small.jpg");
  });
  return call("/chat/upload", { method: "POST", headers: OURS, body: form });
}

export const PAGE = 50;
export const state = (as) => get("state", { as });
export const messages = (as, chat, before) => get("messages", { as, chat, before, limit: PAGE });
/** Sends a draft of ours: words, files or a place, whichever it has. */
export function send(as, chat, { text, reply, parts, place, anonymous }) {
  const answered = { reply_to: reply?.id ?? null, quote: reply?.part ? reply.text : "" };
  if (place) return post("location", { as, chat, ...place, ...answered });
  if (parts) return upload({ as, chat, text, parts, ...answered });
  return post("send", { as, chat, text, anonymous: Boolean(anonymous), ...answered });
}

export const edit = (as, chat, id, text) => post("edit", { as, chat, id, text });
export const read = (as, chat, up_to) => post("read", { as, chat, up_to });
export const remove = (as, chat, id) => post("delete", { as, chat, id });
export const forward = (as, { chat, id }, to) => post("forward", { as, chat, id, to });
export const react = (as, chat, id, emoji) => post("react", { as, chat, id, emoji });
export const press = (as, chat, id, data) => post("press", { as, chat, id, data });
export const stop = (as, chat, id) => post("stop", { as, chat, id });
export const addPerson = (name) => post("people", { name });
export const language = (as, code) => post("language", { as, language: code });
export const group = (as, title, people) => post("group", { as, title, people });
export const member = (as, chat, bot, deed) => post("member", { as, chat, bot, deed });
export const migrate = (as, chat) => post("migrate", { as, chat });
export const announce = (as, chat, text) => post("announce", { as, chat, text });
export const fileAddress = (id) => `/chat/file/${encodeURIComponent(id)}`;
export const block = (as, blocked) => post("block", { as, blocked });

/** The event stream of one person: calls `onevent` per event, and `onlost` once when it breaks. */
export class Stream {
  constructor(as, after, { onopen, onevent, onlost }) {
    this.source = new EventSource(`/chat/events?${new URLSearchParams({ as, after })}`);
    this.source.onopen = onopen;
    this.source.onmessage = (event) => onevent(JSON.parse(event.data));
    // The browser's own reconnect would start again at the old cursor: we ask for the state anew instead.
    this.source.onerror = () => {
      this.close();
      onlost();
    };
  }

  close() {
    this.source.close();
  }
}
