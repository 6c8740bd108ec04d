// The same as gatepost/web/text.py: a visible sign for each character that would not be seen.

const hidden = /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

function sign(character) {
  const point = character.codePointAt(0);
  if (point < 0x20) return String.fromCodePoint(0x2400 + point);
  return point === 0x7f ? "\u2421" : `\u2039U+${point.toString(16).toUpperCase().padStart(4, "0")}\u203a`;
}

export const shown = (text) => text.replace(hidden, sign);
