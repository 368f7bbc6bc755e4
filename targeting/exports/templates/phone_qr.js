"use strict";
// QR codes of letters and digits (ISO/IEC 18004): alphanumeric mode, level L, versions 1 to 20, one
// mask for all: what is shown is encrypted, as even as chance, so that no mask is better.

const QR_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const QR_CHECKS = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28];
const QR_BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8];
const QR_MASK = 2;

const qrAligned = (version) => (version === 1 ? [] : qrSteps(version));

function qrSteps(version) {
  const count = Math.floor(version / 7) + 2;
  const last = 4 * version + 10;
  const step = Math.ceil((last - 6) / (count - 1) / 2) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, n) => last - step * (count - 2 - n))];
}

// Bytes that a version holds, data and checks.
function qrCapacity(version) {
  const aligned = version === 1 ? 0 : Math.floor(version / 7) + 2;
  let bits = (16 * version + 128) * version + 64;
  if (aligned) bits -= (25 * aligned - 10) * aligned - 55;
  if (version >= 7) bits -= 36;
  return bits >> 3;
}

const qrData = (version) =>
  qrCapacity(version) - QR_CHECKS[version - 1] * QR_BLOCKS[version - 1];

function qrBits(text, version) {
  const bits = [];
  const put = (value, length) => {
    for (let n = length - 1; n >= 0; n -= 1) bits.push((value >> n) & 1);
  };
  put(2, 4);
  put(text.length, version < 10 ? 9 : 11);
  const codes = Array.from(text, (sign) => QR_SIGNS.indexOf(sign));
  for (let n = 0; n + 1 < codes.length; n += 2) put(codes[n] * 45 + codes[n + 1], 11);
  if (codes.length % 2) put(codes[codes.length - 1], 6);
  return bits;
}

function qrVersion(text) {
  for (let version = 1; version <= 20; version += 1) {
    if (qrBits(text, version).length <= 8 * qrData(version)) return version;
  }
  throw new RangeError("too long for a QR code");
}

function qrDataBytes(text, version) {
  const room = 8 * qrData(version);
  const bits = qrBits(text, version);
  while (bits.length < room && (bits.length % 8 || bits.length < qrBits(text, version).length + 4)) {
    bits.push(0);
  }
  const bytes = [];
  for (let n = 0; n < bits.length; n += 8) {
    bytes.push(bits.slice(n, n + 8).reduce((sum, bit) => sum * 2 + bit, 0));
  }
  for (let fill = 236; bytes.length < qrData(version); fill ^= 253) bytes.push(fill);
  return bytes;
}

// -- Reed-Solomon over GF(256), x^8 + x^4 + x^3 + x^2 + 1 -----------------------------------------

const QR_POWERS = [1];
for (let n = 1; n < 255; n += 1) {
  const double = QR_POWERS[n - 1] << 1;
  QR_POWERS.push(double > 255 ? double ^ 285 : double);
}
const QR_LOGS = [];
QR_POWERS.forEach((value, power) => { QR_LOGS[value] = power; });

const qrTimes = (a, b) => (a && b ? QR_POWERS[(QR_LOGS[a] + QR_LOGS[b]) % 255] : 0);

function qrGenerator(count) {
  let terms = [1];
  for (let n = 0; n < count; n += 1) {
    const next = [...terms, 0];
    terms.forEach((term, at) => { next[at + 1] ^= qrTimes(term, QR_POWERS[n]); });
    terms = next;
  }
  return terms;
}

function qrChecks(block, count) {
  const generator = qrGenerator(count);
  const rest = [...block, ...new Array(count).fill(0)];
  for (let n = 0; n < block.length; n += 1) {
    const lead = rest[n];
    generator.forEach((term, at) => { rest[n + at] ^= qrTimes(term, lead); });
  }
  return rest.slice(block.length);
}

// Blocks side by side: first bytes, second bytes, then the checks likewise.
function qrBytes(text, version) {
  const data = qrDataBytes(text, version);
  const blocks = QR_BLOCKS[version - 1];
  const short = Math.floor(data.length / blocks);
  const longer = data.length % blocks;
  const parts = [];
  for (let n = 0, at = 0; n < blocks; n += 1) {
    const size = short + (n >= blocks - longer ? 1 : 0);
    parts.push(data.slice(at, at + size));
    at += size;
  }
  const checks = parts.map((part) => qrChecks(part, QR_CHECKS[version - 1]));
  const across = (rows, length) =>
    Array.from({ length }, (_, n) => rows.map((row) => row[n])).flat()
      .filter((byte) => byte !== undefined);
  return [...across(parts, short + 1), ...across(checks, QR_CHECKS[version - 1])];
}

// -- the square -----------------------------------------------------------------------------------

// A remainder of binary polynomials, for the format and the version.
function qrRemainder(value, divisor, bits) {
  let rest = value << bits;
  for (let n = 31 - Math.clz32(rest); n >= bits; n = 31 - Math.clz32(rest)) {
    rest ^= divisor << (n - bits);
  }
  return (value << bits) | rest;
}

function qrFrame(version) {
  const size = 17 + 4 * version;
  const square = Array.from({ length: size }, () => new Array(size).fill(null));
  const set = (row, column, dark) => {
    if (row >= 0 && column >= 0 && row < size && column < size) square[row][column] = dark ? 1 : 0;
  };
  for (let n = 0; n < size; n += 1) {
    set(6, n, n % 2 === 0);
    set(n, 6, n % 2 === 0);
  }
  const ring = (row, column, reach, dark) => {
    for (let y = -reach; y <= reach; y += 1) {
      for (let x = -reach; x <= reach; x += 1) {
        set(row + y, column + x, dark(Math.max(Math.abs(x), Math.abs(y))));
      }
    }
  };
  for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]]) {
    ring(row, column, 4, (far) => far !== 2 && far !== 4);
  }
  const aligned = qrAligned(version);
  const last = size - 7;
  for (const row of aligned) {
    for (const column of aligned) {
      const corner = [[6, 6], [6, last], [last, 6]].some(([r, c]) => r === row && c === column);
      if (!corner) ring(row, column, 2, (far) => far !== 1);
    }
  }
  qrFormat(set, size);
  if (version >= 7) qrNumber(set, size, version);
  return square;
}

// Level L (01) and the mask, twice.
function qrFormat(set, size) {
  const bits = qrRemainder(8 | QR_MASK, 0x537, 10) ^ 0x5412;
  const bit = (n) => (bits >> n) & 1;
  for (let n = 0; n < 15; n += 1) {
    set(n < 6 ? n : n < 8 ? n + 1 : size - 15 + n, 8, bit(n));
    set(8, n < 8 ? size - 1 - n : n < 9 ? 7 : 14 - n, bit(n));
  }
  set(size - 8, 8, 1);
}

function qrNumber(set, size, version) {
  const bits = qrRemainder(version, 0x1f25, 12);
  for (let n = 0; n < 18; n += 1) {
    const [far, near] = [size - 11 + (n % 3), Math.floor(n / 3)];
    set(near, far, (bits >> n) & 1);
    set(far, near, (bits >> n) & 1);
  }
}

// Rows of 0 and 1, 1 is dark. `version`: the smallest that holds the text, unless one is given.
function qrSquare(text, version = qrVersion(text)) {
  const square = qrFrame(version);
  const size = square.length;
  const bytes = qrBytes(text, version);
  let at = 0;
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let n = 0; n < size; n += 1) {
      const row = up ? size - 1 - n : n;
      for (const column of [right, right - 1]) {
        if (square[row][column] !== null) continue;
        const bit = at >> 3 < bytes.length ? (bytes[at >> 3] >> (7 - (at & 7))) & 1 : 0;
        square[row][column] = bit ^ (column % 3 === 0 ? 1 : 0);
        at += 1;
      }
    }
  }
  return square;
}

// -- a chain of frames ----------------------------------------------------------------------------

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const FRAME_SIGNS = 700;

function toBase32(bytes) {
  let [text, held, bits] = ["", 0, 0];
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(held >> (bits - 5)) & 31];
  }
  return bits ? text + BASE32[(held << (5 - bits)) & 31] : text;
}

function crc32(text) {
  let crc = -1;
  for (const byte of toBytes(text)) {
    crc ^= byte;
    for (let n = 0; n < 8; n += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ((crc ^ -1) >>> 0).toString(16).toUpperCase().padStart(8, "0");
}

// The texts of the frames of what was sealed; the chain's code is of its own nonce.
function frames(sealed) {
  const chain = toBase32(sealed.slice(HEADER, HEADER + NONCE)).slice(0, 6);
  const data = toBase32(sealed);
  const count = Math.ceil(data.length / FRAME_SIGNS);
  return Array.from({ length: count }, (_, n) => {
    const part = data.slice(n * FRAME_SIGNS, (n + 1) * FRAME_SIGNS);
    const crc = crc32(`${chain}:${n + 1}:${count}:${part}`);
    return `RLF1:${chain}:${n + 1}:${count}:${crc}:${part}`;
  });
}
