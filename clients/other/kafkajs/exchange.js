// Publishes an event to the agency's inbound topic, or reads its outbound topic, with KafkaJS.
//   node exchange.js publish FILE     prints the offset, by which the receipt is asked for over HTTPS
//   node exchange.js read COUNT       prints so many events, one a line, and commits behind them
const fs = require("node:fs");
const { randomUUID } = require("node:crypto");
const { Kafka, logLevel } = require("kafkajs");

const agency = process.env.SX_AGENCY;
const kafka = new Kafka({
  clientId: "kafkajs-example",
  brokers: [process.env.SX_KAFKA],
  ssl: { ca: [fs.readFileSync(process.env.SX_AUTHORITY_FILE)] },
  sasl: {
    mechanism: "scram-sha-512",
    username: process.env.SX_KAFKA_USER,
    password: fs.readFileSync(process.env.SX_KAFKA_PASSWORD_FILE, "utf8").trim(),
  },
  logLevel: logLevel.ERROR,
});

async function publish(file) {
  // One id for one event: keep it, and send the same again when in doubt.
  const event = { ...JSON.parse(fs.readFileSync(file, "utf8")), id: randomUUID() };
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  // No key: a record with a key is not taken for a message.
  const [written] = await producer.send({
    topic: `partner.${agency}.inbound`,
    acks: -1,
    messages: [{ value: JSON.stringify(event) }],
  });
  console.log(written.baseOffset);
  await producer.disconnect();
}

async function read(count) {
  const consumer = kafka.consumer({ groupId: `agency.${agency}.kafkajs-example` });
  const topic = `partner.${agency}.outbound`;
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let seen = 0;
  await new Promise((done, failed) => {
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        if (seen === count) return;
        console.log(message.value.toString());
        // Behind what was dealt with, never before.
        const offset = String(BigInt(message.offset) + 1n);
        await consumer.commitOffsets([{ topic, partition, offset }]);
        seen += 1;
        if (seen === count) done();
      },
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
  });
  await consumer.disconnect();
}

const [what, told] = process.argv.slice(2);
(what === "publish" ? publish(told) : read(Number(told))).catch((failure) => {
  console.error(failure.message);
  process.exit(1);
});
