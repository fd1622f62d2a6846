// Passkeys (WebAuthn). <form data-passkey="make|use" data-options="address of the options">: its button asks our
// server what to do, lets the browser's own dialog do it, and sends the answer along with the form.

const fromBase64Url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const toBase64Url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// What JSON carries as text the browser wants as bytes.
function readOptions(options) {
  const described = (credential) => ({ ...credential, id: fromBase64Url(credential.id) });
  const read = { ...options, challenge: fromBase64Url(options.challenge) };
  if (options.user) {
    read.user = { ...options.user, id: fromBase64Url(options.user.id) };
  }
  read.excludeCredentials = (options.excludeCredentials ?? []).map(described);
  read.allowCredentials = (options.allowCredentials ?? []).map(described);
  return read;
}

// And back, in the form of PublicKeyCredential.toJSON(), which not every browser has.
function writeCredential(credential) {
  const { response } = credential;
  const written = { clientDataJSON: toBase64Url(response.clientDataJSON) };
  if (response.attestationObject) {
    written.attestationObject = toBase64Url(response.attestationObject);
    written.transports = response.getTransports?.() ?? [];
  } else {
    written.authenticatorData = toBase64Url(response.authenticatorData);
    written.signature = toBase64Url(response.signature);
    written.userHandle = response.userHandle ? toBase64Url(response.userHandle) : null;
  }
  return JSON.stringify({
    id: credential.id,
    rawId: toBase64Url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: written,
  });
}

// Return the options of our server, or null when it said where to go first.
async function askForOptions(form) {
  const answer = await fetch(form.dataset.options, { method: "POST", body: new FormData(form) });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) {
    return readOptions(said);
  }
  if (said.next) {
    location.assign(said.next);
    return null;
  }
  throw new Error(said.message ?? form.dataset.failed);
}

async function usePasskey(form) {
  const options = await askForOptions(form);
  if (options === null) {
    return;
  }
  const credential = form.dataset.passkey === "make"
    ? await navigator.credentials.create({ publicKey: options })
    : await navigator.credentials.get({ publicKey: options });
  form.elements.credential.value = writeCredential(credential);
  form.submit();
}

// A DOMException is the dialog's: cancelled, too late, or the device has a passkey already.
function sentenceOf(error, form) {
  if (error instanceof DOMException) {
    return error.name === "InvalidStateError" ? form.dataset.known : form.dataset.cancelled;
  }
  return error instanceof TypeError ? form.dataset.failed : error.message;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const complaint = form.querySelector("[data-passkey-error]");
  const able = window.PublicKeyCredential !== undefined;
  form.querySelector("[data-passkey-button]").hidden = !able;
  form.querySelector("[data-passkey-missing]").hidden = able;
  form.addEventListener("submit", async (event) => {
    if (event.defaultPrevented) {
      return; // pages.js: the dialog is open already
    }
    event.preventDefault();
    complaint.hidden = true;
    try {
      await usePasskey(form);
    } catch (error) {
      complaint.textContent = sentenceOf(error, form);
      complaint.hidden = false;
      // It may be tried again: pages.js keeps a form from being sent twice.
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });
}
