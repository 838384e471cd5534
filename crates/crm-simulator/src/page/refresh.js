// Brings the newest state without moving what is being read. A reader who types or selects is left alone.
const parts = ["nav", "main", "footer"];
async function refresh() {
  const typing = document.activeElement instanceof HTMLInputElement;
  const selecting = !getSelection().isCollapsed;
  if (document.hidden || typing || selecting) return;
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const [here, there] = [document.querySelector(part), page.querySelector(part)];
    if (here && there && here.innerHTML !== there.innerHTML) here.innerHTML = there.innerHTML;
  }
}
// A server that is away for a while is asked again.
setInterval(() => refresh().catch(() => {}), 3000);
