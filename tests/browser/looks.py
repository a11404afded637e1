"""What can be computed of how the page looks: contrast, sizes, names."""

CONTRASTS = """() => {
  const rgba = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
      if (color[3] > 0) throw new Error(`half transparent: ${at.outerHTML}`);
    }
    return [255, 255, 255];
  };
  const seen = (element) => element.checkVisibility() && !element.closest(".unseen, .skip");
  const results = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { textContent, parentElement } = texts.currentNode;
    if (!textContent.trim() || !seen(parentElement)) continue;
    const style = getComputedStyle(parentElement);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    results.push([textContent.trim(), ratio(rgba(style.color), behind(parentElement)), isLarge ? 3 : 4.5]);
  }
  for (const control of document.querySelectorAll("input:not([type=range]), select, button:not([role=tab])")) {
    if (!seen(control)) continue;
    const style = getComputedStyle(control);
    const edge = ratio(rgba(style.borderTopColor), behind(control.parentElement));
    results.push([`edge of ${control.id || control.className}`, edge, 3]);
    if (control.matches("input, select")) results.push([control.id, ratio(rgba(style.color), behind(control)), 4.5]);
  }
  return results;
}"""
"""For every text and every control's edge: what it is, its contrast, and how much that must be (WCAG 2.2, AA)."""

SMALL_TARGETS = """() => [...document.querySelectorAll("button, input, select, summary")]
  .filter((control) => control.checkVisibility())
  .map((control) => [control.id || control.textContent, control.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 24)
  .map(([name, box]) => `${name} ${box.width} x ${box.height}`)"""
"""Controls that are hard to hit: WCAG 2.2 wants 24 by 24."""

FOCUS = """() => {
  const focused = document.activeElement;
  const style = getComputedStyle(focused);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const box = focused.getBoundingClientRect();
  const onScreen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const all = [...document.querySelectorAll("*")];
  return { at: all.indexOf(focused), tag: focused.localName, html: focused.outerHTML.slice(0, 80), outlined, onScreen };
}"""
"""Where the focus is, and whether one sees it."""

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
