/** At least so long, and until somebody sees the page: a hidden one asks for nothing. */
export function pauseUntilSeen(ms, signal) {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" || signal.aborted) done();
    }, ms);
    const done = () => {
      clearInterval(timer);
      resolve();
    };
    signal.addEventListener("abort", done, { once: true });
  });
}
