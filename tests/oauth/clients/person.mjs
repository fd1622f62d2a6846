// What the scripts here share. A script prints {"visit": url} when a person should go there, reads where the
// person ended up from the next line of its input, and prints {"result": …} at its end.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");

const hear = async () => JSON.parse((await lines.next()).value);

/** What the test tells the script: its first line of input. */
export const told = await hear();

/** Send the person to an address; return the one at which the application is called back. */
export async function visit(url) {
  say({ visit: String(url) });
  return new URL((await hear()).arrived);
}

/** Report and leave. */
export function finish(result) {
  say({ result });
  process.exit(0);
}

/** Return the code of the error that a promise is rejected with. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return { error: error.error ?? error.code, status: error.status ?? error.cause?.status };
  }
  throw new Error("this should have been refused");
}
