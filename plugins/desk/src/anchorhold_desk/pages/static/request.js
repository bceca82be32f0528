// A key and its request (RFC 2986) made by this browser, and a file that is dropped on the form. The key is offered as
// a file and sent nowhere. Without this script the form takes what is pasted or chosen.
"use strict";

const SEQUENCE = 0x30, INTEGER = 0x02, BIT_STRING = 0x03, ATTRIBUTES = 0xa0;
const ECDSA_SHA256 = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

// DER (X.690): a tag, the length, the content.
function der(tag, ...parts) {
  const content = parts.flatMap((part) => Array.from(part));
  const length = content.length;
  if (length < 0x80) return [tag, length, ...content];
  const octets = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [tag, 0x80 | octets.length, ...octets, ...content];
}

// An unsigned number of fixed length as an INTEGER: without leading zeros, and positive.
function integer(octets) {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start += 1;
  const digits = Array.from(octets.slice(start));
  return der(INTEGER, digits[0] & 0x80 ? [0, ...digits] : digits);
}

function pem(label, octets) {
  const text = btoa(String.fromCharCode(...octets));
  return `-----BEGIN ${label}-----\n${text.match(/.{1,64}/g).join("\n")}\n-----END ${label}-----\n`;
}

// A request with an empty subject and no attributes: the names are those of the form.
async function makeRequest(keys) {
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const info = der(SEQUENCE, der(INTEGER, [0]), der(SEQUENCE), publicKey, der(ATTRIBUTES));
  const raw = new Uint8Array(
    await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, new Uint8Array(info)),
  );
  const signature = der(SEQUENCE, integer(raw.slice(0, raw.length / 2)), integer(raw.slice(raw.length / 2)));
  return der(SEQUENCE, info, ECDSA_SHA256, der(BIT_STRING, [0], signature));
}

let unsaved = false;

// The next page does not have the key any more.
function keepUnsavedKey(event) {
  if (!unsaved) return;
  event.preventDefault();
  document.getElementById("key-state").textContent = document.getElementById("key-here").dataset.unsaved;
  document.getElementById("key-file").focus();
}

async function makeKey() {
  const state = document.getElementById("key-state"), file = document.getElementById("key-file");
  const place = document.getElementById("key-here");
  try {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
    document.getElementById("csr").value = pem("CERTIFICATE REQUEST", await makeRequest(keys));
    if (file.href) URL.revokeObjectURL(file.href);
    file.href = URL.createObjectURL(new Blob([pem("PRIVATE KEY", key)], { type: "application/x-pem-file" }));
    file.hidden = false;
    unsaved = true;
    state.textContent = place.dataset.made;
    document.getElementById("file").value = "";
    file.focus();
  } catch {
    state.textContent = place.dataset.failed;
  }
}

// A file that is dropped becomes the one that was chosen; the server reads PEM and DER alike.
function takeDropped(place) {
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    if (event.dataTransfer.files.length === 1) document.getElementById("file").files = event.dataTransfer.files;
  });
}

const form = document.getElementById("request");
if (form) {
  takeDropped(form);
  if (window.isSecureContext && window.crypto?.subtle) {
    document.getElementById("key-here").hidden = false;
    document.getElementById("make-key").addEventListener("click", makeKey);
    document.getElementById("key-file").addEventListener("click", () => { unsaved = false; });
    form.addEventListener("submit", keepUnsavedKey);
  }
}
