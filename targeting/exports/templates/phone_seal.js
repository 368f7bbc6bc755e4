"use strict";
// What is sealed: header (lock 40, nonce 12, wrapped key 48), nonce 12, body. See field/sealing.py.

const LOCK = 40;
const HEADER = 100;
const NONCE = 12;

class WrongPhrase extends Error {}

const toBytes = (text) => new TextEncoder().encode(text);
const toText = (bytes) => new TextDecoder().decode(bytes);

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

// Small letters without accents, single spaces: as the phrase was hashed.
function plainPhrase(text) {
  const bare = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return bare.replace(/[^a-z0-9]+/g, " ").trim();
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// The key of the book, unwrapped by its phrase. Throws WrongPhrase.
async function unlock(sealed, phrase) {
  const lock = sealed.slice(0, LOCK);
  const iterations = new DataView(lock.buffer).getUint32(20);
  const plain = await crypto.subtle.importKey(
    "raw", toBytes(plainPhrase(phrase)), "PBKDF2", false, ["deriveKey"]);
  const outer = await crypto.subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt: lock.slice(24), iterations },
    plain, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
  const how = { name: "AES-GCM", iv: sealed.slice(LOCK, LOCK + NONCE), additionalData: lock };
  let raw;
  try {
    raw = await crypto.subtle.decrypt(how, outer, sealed.slice(LOCK + NONCE, HEADER));
  } catch {
    throw new WrongPhrase();
  }
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function openSealed(sealed, key, purpose) {
  const header = sealed.slice(0, HEADER);
  const how = {
    name: "AES-GCM", iv: sealed.slice(HEADER, HEADER + NONCE),
    additionalData: joined(header, toBytes(purpose)),
  };
  return new Uint8Array(await crypto.subtle.decrypt(how, key, sealed.slice(HEADER + NONCE)));
}

async function seal(header, key, purpose, plain) {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const how = { name: "AES-GCM", iv, additionalData: joined(header, toBytes(purpose)) };
  return joined(header, iv, new Uint8Array(await crypto.subtle.encrypt(how, key, plain)));
}

// Made smaller where the browser can; the desk knows both.
async function deflated(bytes) {
  if (typeof CompressionStream === "undefined") return bytes;
  try {
    const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(packed).arrayBuffer());
  } catch {
    return bytes;
  }
}
