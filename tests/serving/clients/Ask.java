// A Java client: HttpClient over mutual TLS, the answer inflated by GZIPInputStream.
// Arguments: URL, question, client PKCS#12, its password, trusted certificate (PEM), where to write the answer.
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.zip.GZIPInputStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        char[] password = arguments[3].toCharArray();
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(new FileInputStream(arguments[2]), password);
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, password);
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        int number = 0;
        try (FileInputStream pem = new FileInputStream(arguments[4])) {
            for (var one : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                trusted.setCertificateEntry("ca" + number++, one);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0]))
            .header("Content-Type", "text/xml; charset=utf-8")
            .header("Accept-Encoding", "gzip")
            .POST(HttpRequest.BodyPublishers.ofFile(Path.of(arguments[1])))
            .build();
        var answer = HttpClient.newBuilder().sslContext(context).version(HttpClient.Version.HTTP_1_1).build()
            .send(request, HttpResponse.BodyHandlers.ofInputStream());
        if (answer.statusCode() != 200 || !answer.headers().firstValue("Content-Encoding").orElse("").equals("gzip")) {
            throw new IllegalStateException("status " + answer.statusCode() + " " + answer.headers());
        }
        try (var body = new GZIPInputStream(answer.body())) {
            Files.copy(body, Path.of(arguments[5]));
        }
    }
}
