// Updates the figures every five seconds. Without scripts the page reloads itself.
(() => {
  const every = 5000;
  let good = Date.now();
  const stale = document.getElementById("stale");

  // Changes only nodes that differ. This keeps open details, focus, selection and the position of a screen reader.
  function patch(shown, fresh) {
    if (shown.nodeName !== fresh.nodeName) {
      shown.replaceWith(document.adoptNode(fresh));
    } else if (shown.nodeType === Node.TEXT_NODE) {
      if (shown.data !== fresh.data) shown.data = fresh.data;
    } else {
      for (const { name } of [...shown.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) shown.removeAttribute(name);
      for (const { name, value } of fresh.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
      const before = [...shown.childNodes];
      const after = [...fresh.childNodes];
      before.slice(after.length).forEach((child) => child.remove());
      after.forEach((child, i) => (i < before.length ? patch(before[i], child) : shown.append(document.adoptNode(child))));
    }
  }

  async function renew() {
    try {
      const response = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!response.ok) throw new Error(response.status);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const part of ["state", "main"]) patch(document.getElementById(part), fresh.getElementById(part));
      good = Date.now();
      stale.textContent = "";
    } catch {
      stale.textContent = `no answer for ${Math.round((Date.now() - good) / 1000)} s: is the service running?`;
    }
    setTimeout(renew, every);
  }
  setTimeout(renew, every);
})();
