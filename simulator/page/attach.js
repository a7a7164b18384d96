// Files on their way into a message: chosen, pasted or dropped, shown as a tray over the field until they are sent.
import { button, h, icon } from "./dom.js";
import { bytes } from "./format.js";

const PHOTO_PIXELS = 1280; // as large as the apps send a photo
const SMALL_PIXELS = 320;
const QUALITY = 0.87;
const STICKERS = ["😀", "😂", "😍", "😎", "🤔", "😢", "👍", "🎉", "🔥", "❤️", "🐱", "🌻"];
const STICKER_PIXELS = 512;

export class Attach {
  /** `changed()` is called when the tray is other than before. */
  constructor(changed) {
    Object.assign(this, { changed, parts: [], turn: 0 });
    this.input = h("input", { type: "file", multiple: true, hidden: true, "aria-label": "Files to send", onchange: () => this.chosen() });
    this.tray = h("div", { class: "tray", hidden: true, role: "list", "aria-label": "Files to send" });
  }

  /** Lets the person choose among files of a kind; of any kind (""): all stay files as they are. */
  pick(accept) {
    this.plain = accept === "";
    this.input.accept = accept;
    this.input.click();
  }

  chosen() {
    this.add([...this.input.files], this.plain);
    this.input.value = "";
  }

  async add(files, plain = false) {
    const { turn } = this;
    const parts = await Promise.all(files.map((file) => prepare(file, plain)));
    if (turn !== this.turn) return;
    this.parts.push(...parts);
    this.draw();
  }

  /** Gives the parts away and is empty again. */
  take() {
    const { parts } = this;
    this.parts = [];
    this.turn += 1;
    this.draw();
    return parts;
  }

  drop(part) {
    this.parts = this.parts.filter((one) => one !== part);
    this.draw();
  }

  draw() {
    this.tray.hidden = this.parts.length === 0;
    this.tray.replaceChildren(...this.parts.map((part) => h("div", { class: "item", role: "listitem" },
      part.kind === "photo" ? h("img", { src: part.local, alt: "" }) : h("span", { class: "file-icon" }, icon("file")),
      h("span", { class: "words" }, h("span", { class: "file-name" }, part.file.name), h("span", { class: "file-size" }, bytes(part.file.size))),
      button("close", `Leave out ${part.file.name}`, () => this.drop(part)))));
    this.changed();
  }
}

/** One file as it will be sent; `local` is its address on this page until the simulator has it. */
async function prepare(file, plain) {
  const part = { file, kind: "document", local: URL.createObjectURL(file) };
  if (plain) return part;
  if (/^image\/(png|jpeg|webp|gif|bmp|avif)$/u.test(file.type)) return photo(part).catch(() => part);
  if (/^audio\/(ogg|opus)/u.test(file.type)) return { ...part, kind: "voice", duration: await length(part.local) };
  if (file.type.startsWith("audio/")) return { ...part, kind: "audio", duration: await length(part.local) };
  if (file.type.startsWith("video/")) return { ...part, kind: "video", duration: await length(part.local) };
  return part;
}

/** As the apps do: a JPEG of at most 1280 pixels, and a small one beside it. */
async function photo(part) {
  const picture = await createImageBitmap(part.file);
  const large = await drawn(picture, PHOTO_PIXELS);
  const small = await drawn(picture, SMALL_PIXELS);
  const file = new File([large.blob], part.file.name.replace(/\.\w+$/u, "") + ".jpg", { type: "image/jpeg" });
  const { width, height } = large;
  return { ...part, kind: "photo", file, small: small.blob, width, height };
}

function drawn(picture, most) {
  const scale = Math.min(1, most / Math.max(picture.width, picture.height));
  const canvas = h("canvas", { width: Math.max(1, Math.round(picture.width * scale)), height: Math.max(1, Math.round(picture.height * scale)) });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob((blob) => done({ blob, width: canvas.width, height: canvas.height }), "image/jpeg", QUALITY));
}

function length(address) {
  return new Promise((done) => {
    const audio = new Audio(address);
    audio.onloadedmetadata = () => done(Number.isFinite(audio.duration) ? Math.round(audio.duration) : 0);
    audio.onerror = () => done(0);
  });
}

/** A board of stickers; each is an emoji drawn large, and sent as the picture a sticker is. */
export function stickers(choose) {
  return h("div", { class: "stickers emoji", role: "group", "aria-label": "Stickers" }, STICKERS.map((emoji) => h("button", {
    type: "button", "aria-label": `Send the sticker ${emoji}`, onclick: async () => choose(await sticker(emoji)),
  }, emoji)));
}

function sticker(emoji) {
  const canvas = h("canvas", { width: STICKER_PIXELS, height: STICKER_PIXELS });
  const context = canvas.getContext("2d");
  context.font = `${STICKER_PIXELS * 0.78}px "Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(emoji, STICKER_PIXELS / 2, STICKER_PIXELS * 0.55);
  return new Promise((done) => canvas.toBlob((blob) => {
    const file = new File([blob], "sticker.webp", { type: blob.type });
    done({ file, kind: "sticker", emoji, local: URL.createObjectURL(blob), width: STICKER_PIXELS, height: STICKER_PIXELS });
  }, "image/webp", 0.9));
}
