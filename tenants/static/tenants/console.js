/* Copies what stands beside a button, submits a list's choice, and warns before a secret is lost. */
"use strict";

(() => {
  let isCopied = true;

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  const copy = async (button) => {
    const element = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(element.textContent);
    } catch {
      // Without https a browser offers no clipboard: the selected text can be copied by hand.
      select(element);
      button.textContent = "Press Ctrl+C";
      return;
    }
    button.textContent = "Copied";
    if ("copiedAll" in button.dataset) {
      isCopied = true;
    }
  };

  document.addEventListener("copy", () => {
    isCopied = true;
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      copy(button);
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) {
      event.target.form.submit();
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    isCopied = !document.querySelector("[data-leave-warning]");
  });

  window.addEventListener("beforeunload", (event) => {
    if (!isCopied) {
      event.preventDefault();
    }
  });
})();
