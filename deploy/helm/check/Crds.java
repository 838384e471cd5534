import io.fabric8.crdv2.generator.CRDGenerator;
import io.strimzi.api.kafka.model.topic.KafkaTopic;
import io.strimzi.api.kafka.model.user.KafkaUser;
import java.io.File;

/** Writes the CRDs of Strimzi's topics and users into a folder. No registry has them as YAML: they are made of the operator's own classes. */
public class Crds {
    public static void main(String[] arguments) {
        File folder = new File(arguments[0]);
        folder.mkdirs();
        new CRDGenerator().forCRDVersions("v1").inOutputDir(folder)
            .customResourceClasses(KafkaTopic.class, KafkaUser.class).detailedGenerate();
    }
}
