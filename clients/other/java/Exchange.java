// Publishes an event to the agency's inbound topic, or reads its outbound topic, with the Java client.
//   java -cp "kafka-clients.jar:slf4j-api.jar" Exchange.java publish FILE    prints the offset
//   java -cp "kafka-clients.jar:slf4j-api.jar" Exchange.java read COUNT      prints so many events, and commits
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Exchange {
    static final String AGENCY = System.getenv("SX_AGENCY");

    public static void main(String[] told) throws Exception {
        if (told[0].equals("publish")) {
            publish(Path.of(told[1]));
        } else {
            read(Integer.parseInt(told[1]));
        }
    }

    static Properties settings() throws Exception {
        var password = Files.readString(Path.of(System.getenv("SX_KAFKA_PASSWORD_FILE"))).strip();
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("SX_KAFKA"));
        settings.put("security.protocol", "SASL_SSL");
        settings.put("ssl.truststore.type", "PEM");
        settings.put("ssl.truststore.location", System.getenv("SX_AUTHORITY_FILE"));
        settings.put("sasl.mechanism", "SCRAM-SHA-512");
        settings.put(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";"
                        .formatted(System.getenv("SX_KAFKA_USER"), password));
        return settings;
    }

    static void publish(Path file) throws Exception {
        // One id for one event: keep it, and send the same again when in doubt.
        var event = Files.readString(file).replaceFirst("\"id\": *\"[^\"]*\"", "\"id\": \"" + UUID.randomUUID() + "\"");
        try (var producer = new KafkaProducer<>(settings(), new StringSerializer(), new StringSerializer())) {
            // No key: a record with a key is not taken for a message.
            var record = new ProducerRecord<String, String>("partner." + AGENCY + ".inbound", event);
            System.out.println(producer.send(record).get().offset());
        }
    }

    static void read(int count) throws Exception {
        var settings = settings();
        settings.put("group.id", "agency." + AGENCY + ".java-example");
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("max.poll.records", "1");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("partner." + AGENCY + ".outbound"));
            for (int seen = 0; seen < count; ) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    System.out.println(record.value());
                    seen++;
                }
                consumer.commitSync(); // behind what was dealt with, never before
            }
        }
    }
}
