// A session is in the cookie by now: it need not stand in the address, or in what is shared of it.
if (new URLSearchParams(location.search).has("session")) {
  history.replaceState(null, "", location.pathname + location.hash);
}
// Before the first paint, so that nobody who likes it dark is dazzled.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing follows the system.
}
