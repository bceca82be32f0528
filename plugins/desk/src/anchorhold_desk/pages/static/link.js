// The secret of a link stands after # in the URL, so no log of a proxy has it. Here it goes into the form, and out of
// the address line and the history of the browser.
"use strict";

const field = document.getElementById("link");
const secret = window.location.hash.slice(1);
if (field && /^[A-Za-z0-9_-]+$/.test(secret)) {
  field.value = secret;
  field.closest(".field").hidden = true;
  window.history.replaceState(null, "", window.location.pathname);
}
