// Calls to the server, each with the token of this page.

/** An answer that is an error, with its status; 0 if there is no answer. */
class CallError extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** The answer to a call. */
async function call(path, body, options = {}) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Simdnn-Token": facts.token },
      body: JSON.stringify(body),
      ...options,
    });
  } catch {
    throw new CallError(0, "The playground does not answer. Start it with python -m simdnn playground, and load this page again.");
  }
  const answer = await response.json();
  if (!response.ok) throw new CallError(response.status, answer.error);
  return answer;
}
