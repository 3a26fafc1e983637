// BullMQ on Node, used as its documentation says, at the benchmark's command.
//
// `node peer.mjs <url>` reads one task a line from its input, does it, and answers with one line, as
// `../src/task.rs` describes. It ends together with its input.

import { createInterface } from "node:readline";
import { Queue, Worker } from "bullmq";
import IORedis from "ioredis";

const NAME = "digests";
const connect = () => new IORedis(process.argv[2], { maxRetriesPerRequest: null });

async function process_({ document, jobs, concurrency }) {
  const connection = connect();
  const queue = new Queue(NAME, { connection });
  for (let first = 0; first < jobs; first += 1000) {
    const count = Math.min(1000, jobs - first);
    await queue.addBulk(Array.from({ length: count }, () => ({ name: "digest", data: document })));
  }
  const blocking = connect();
  const start = performance.now();
  const worker = new Worker(NAME, async () => 0, { connection: blocking, concurrency });
  let completed = 0;
  await new Promise((resolve, reject) => {
    // It tells of a job when its result is stored.
    worker.on("completed", () => {
      completed += 1;
      if (completed === jobs) resolve();
    });
    worker.on("failed", (_job, error) => reject(error));
    worker.on("error", reject);
  });
  const seconds = (performance.now() - start) / 1000;
  await worker.close();
  const stored = await queue.getCompletedCount();
  await queue.close();
  connection.disconnect();
  blocking.disconnect();
  if (stored !== jobs) throw new Error(`${stored} of ${jobs} jobs have a result`);
  return { seconds };
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  let answer;
  try {
    if (!task.process) throw new Error("BullMQ on Node takes part in the row `process` only");
    answer = await process_(task.process);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
