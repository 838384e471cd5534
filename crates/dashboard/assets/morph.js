// Makes an element's content equal to new HTML, and keeps the nodes that are the same: focus, selection and open
// details survive an update. Returns the numbers whose text changed.

export function morph(element, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const changed = new Set();
  patchChildren(element, template.content, changed);
  return changed;
}

function keyOf(node) {
  return node instanceof Element ? node.getAttribute("data-key") ?? (node.id || null) : null;
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

function patchChildren(current, wanted, changed) {
  const keyed = new Map();
  for (const child of current.childNodes) {
    const key = keyOf(child);
    if (key) keyed.set(key, child);
  }
  let cursor = current.firstChild;
  for (const next of [...wanted.childNodes]) {
    const key = keyOf(next);
    const match = key ? keyed.get(key) : cursor;
    if (match && alike(match, next)) {
      keyed.delete(key);
      if (match === cursor) cursor = cursor.nextSibling;
      else current.insertBefore(match, cursor);
      patchNode(match, next, changed);
    } else {
      current.insertBefore(next, cursor);
    }
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

function patchNode(current, wanted, changed) {
  if (!(current instanceof Element)) {
    if (current.data !== wanted.data) {
      current.data = wanted.data;
      const number = current.parentElement?.closest(".num");
      if (number) changed.add(number);
    }
    return;
  }
  for (const { name, value } of wanted.attributes) {
    if (current.getAttribute(name) !== value) current.setAttribute(name, value);
  }
  for (const { name } of [...current.attributes]) {
    // Whether details are open is the reader's choice.
    if (!wanted.hasAttribute(name) && name !== "open") current.removeAttribute(name);
  }
  patchChildren(current, wanted, changed);
}
