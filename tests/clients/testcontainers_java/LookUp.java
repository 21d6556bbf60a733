import com.github.dockerjava.api.model.AuthConfig;
import org.testcontainers.utility.DockerImageName;
import org.testcontainers.utility.RegistryAuthLocator;

/** Looks an image's pair up as Testcontainers does before it pulls; the pair as JSON, or exit status 1. */
public class LookUp {
    public static void main(String[] arguments) {
        AuthConfig none = new AuthConfig();
        DockerImageName image = DockerImageName.parse(arguments[0]);
        AuthConfig found = RegistryAuthLocator.instance().lookupAuthConfig(image, none);
        if (found == none || found.getPassword() == null) {
            System.exit(1);
        }
        System.out.printf("{\"Username\": \"%s\", \"Secret\": \"%s\"}%n", found.getUsername(), found.getPassword());
    }
}
