// Requests and answers as text, the way one would type them.

export function asText(firstLine, headers, body) {
  const lines = [firstLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return lines.join("\n") + (body ? `\n\n${indented(body)}` : "");
}

function indented(body) {
  if (typeof body !== "string") return JSON.stringify(body, null, 2);
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

export const timeOfDay = (date) => new Date(date).toLocaleTimeString([], { hourCycle: "h23" });
