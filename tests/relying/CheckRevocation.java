import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.*;
import java.util.*;

/** Validates a chain with CRLs from a file, or with an OCSP response for its first certificate: a file, or "online". */
public class CheckRevocation {
    public static void main(String[] names) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> read = new ArrayList<>();
        for (String name : Arrays.asList(names[0], "issuing.pem", "root.pem")) {
            try (InputStream file = new FileInputStream(name)) {
                read.add((X509Certificate) factory.generateCertificate(file));
            }
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(read.remove(2), null)));
        parameters.setRevocationEnabled(true);
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        if (names[1].endsWith(".crl")) {
            try (InputStream file = new FileInputStream(names[1])) {
                var lists = new CollectionCertStoreParameters(factory.generateCRLs(file));
                parameters.addCertStore(CertStore.getInstance("Collection", lists));
            }
        } else {
            var checker = (PKIXRevocationChecker) validator.getRevocationChecker();
            checker.setOptions(EnumSet.of(
                PKIXRevocationChecker.Option.ONLY_END_ENTITY, PKIXRevocationChecker.Option.NO_FALLBACK));
            if (!names[1].equals("online")) {
                checker.setOcspResponses(Map.of(read.get(0), Files.readAllBytes(Path.of(names[1]))));
            }
            parameters.addCertPathChecker(checker);
        }
        validator.validate(factory.generateCertPath(read), parameters);
    }
}
