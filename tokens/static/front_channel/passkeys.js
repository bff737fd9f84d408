// Asks the browser for a passkey, or to make one, and sends the answer with the page's form.
"use strict";

const form = document.getElementById("passkey-form");
const problem = document.getElementById("passkey-problem");

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

function toText(buffer) {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function askServer() {
  const body = new URLSearchParams({ form_token: form.elements.form_token.value });
  const answer = await fetch(form.dataset.options, { method: "POST", body });
  if (answer.redirected) {
    // Too long after signing in: the page itself leads to where that is done again.
    location.reload();
  }
  if (!answer.ok || answer.redirected) {
    throw new Error(`options: ${answer.status}`);
  }
  return answer.json();
}

async function makePasskey(options) {
  options.challenge = toBytes(options.challenge);
  options.user.id = toBytes(options.user.id);
  for (const known of options.excludeCredentials) {
    known.id = toBytes(known.id);
  }
  const made = await navigator.credentials.create({ publicKey: options });
  const transports = made.response.getTransports ? made.response.getTransports() : [];
  return describe(made, { attestationObject: toText(made.response.attestationObject), transports });
}

async function findPasskey(options) {
  options.challenge = toBytes(options.challenge);
  const found = await navigator.credentials.get({ publicKey: options });
  return describe(found, {
    authenticatorData: toText(found.response.authenticatorData),
    signature: toText(found.response.signature),
    userHandle: found.response.userHandle ? toText(found.response.userHandle) : "",
  });
}

function describe(credential, response) {
  const clientDataJSON = toText(credential.response.clientDataJSON);
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: { clientDataJSON, ...response },
  };
}

async function send(event) {
  event.preventDefault();
  problem.hidden = true;
  try {
    const options = await askServer();
    const answer = await (options.user ? makePasskey(options) : findPasskey(options));
    form.elements.credential.value = JSON.stringify(answer);
    form.submit();
  } catch {
    // Cancelled, too late, or nothing fits: browsers deliberately don't say which.
    problem.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  form.hidden = false;
  form.addEventListener("submit", send);
}
