export const byId = (id) => document.getElementById(id);

export const copyOf = (templateId) => byId(templateId).content.firstElementChild.cloneNode(true);

// Children may be texts: they are never read as HTML.
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Live regions speak whenever they are written to, so only what is new is written.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
