// Reads the requests of one HTTP/1.1 connection, as far as a sink has to: heads with a content-length, and their bodies.

/** Makes a listener for a socket's `data` that calls `onBody(body, head)` for each whole request. */
export function bodies(onBody) {
  let chunks = [];
  let held = 0;
  let head = '';
  let bodyStart = 0;
  let whole = 0;

  const join = () => {
    const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, held);
    chunks = [all];
    return all;
  };
  return (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    while (held > 0) {
      if (whole === 0) {
        const all = join();
        const end = all.indexOf('\r\n\r\n');
        if (end === -1) return;
        head = all.latin1Slice(0, end).toLowerCase();
        bodyStart = end + 4;
        whole = bodyStart + contentLength(head);
      }
      if (held < whole) return;
      const all = join();
      onBody(all.subarray(bodyStart, whole), head);
      const rest = all.subarray(whole);
      chunks = rest.length > 0 ? [rest] : [];
      held = rest.length;
      whole = 0;
    }
  };
}

function contentLength(head) {
  const found = /\r\ncontent-length: *(\d+)/.exec(head);
  if (!found && head.includes('transfer-encoding')) throw new Error('the sink reads no chunked bodies');
  return found ? Number(found[1]) : 0;
}
