import at.favre.lib.crypto.bcrypt.BCrypt;
import java.util.Map;
import org.springframework.security.crypto.argon2.Argon2PasswordEncoder;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;
import org.springframework.security.crypto.factory.PasswordEncoderFactories;
import org.springframework.security.crypto.password.DelegatingPasswordEncoder;
import org.springframework.security.crypto.password.LdapShaPasswordEncoder;
import org.springframework.security.crypto.password.Md4PasswordEncoder;
import org.springframework.security.crypto.password.MessageDigestPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.crypto.password.Pbkdf2PasswordEncoder;
import org.springframework.security.crypto.password.StandardPasswordEncoder;
import org.springframework.security.crypto.scrypt.SCryptPasswordEncoder;

/**
 * Prints the hashes that ../spring-hashes.ts records: by the encoders of PasswordEncoderFactories, each under its id, and by the
 * two bcrypt packages that Keycloak's bcrypt providers use. Salts are random: each run prints other hashes.
 *
 *   mvn dependency:copy-dependencies && java -cp 'target/dependency/*' SpringVectors.java
 */
public class SpringVectors {
  static final String PASSWORD = "correct horse battery staple";
  static final String UMLAUTS = "F\u00fc\u00dfe und Gr\u00f6\u00dfe 71";

  @SuppressWarnings("deprecation")
  public static void main(String[] args) {
    MessageDigestPasswordEncoder base64 = new MessageDigestPasswordEncoder("SHA-256");
    base64.setEncodeHashAsBase64(true);
    Pbkdf2PasswordEncoder pbkdf2Base64 = Pbkdf2PasswordEncoder.defaultsForSpringSecurity_v5_8();
    pbkdf2Base64.setEncodeHashAsBase64(true);
    Object[][] encoders = {
      {"bcrypt", new BCryptPasswordEncoder(4)},
      {"bcrypt", new BCryptPasswordEncoder(BCryptPasswordEncoder.BCryptVersion.$2B, 4)},
      {"ldap", new LdapShaPasswordEncoder()},
      {"MD4", new Md4PasswordEncoder()},
      {"MD5", new MessageDigestPasswordEncoder("MD5")},
      {"pbkdf2", Pbkdf2PasswordEncoder.defaultsForSpringSecurity_v5_5()},
      {"pbkdf2@SpringSecurity_v5_8", Pbkdf2PasswordEncoder.defaultsForSpringSecurity_v5_8()},
      {"pbkdf2@SpringSecurity_v5_8", pbkdf2Base64},
      {"scrypt", SCryptPasswordEncoder.defaultsForSpringSecurity_v4_1()},
      {"scrypt@SpringSecurity_v5_8", SCryptPasswordEncoder.defaultsForSpringSecurity_v5_8()},
      {"SHA-1", new MessageDigestPasswordEncoder("SHA-1")},
      {"SHA-256", new MessageDigestPasswordEncoder("SHA-256")},
      {"SHA-256", base64},
      {"sha256", new StandardPasswordEncoder()},
      {"argon2", Argon2PasswordEncoder.defaultsForSpringSecurity_v5_2()},
      {"argon2@SpringSecurity_v5_8", Argon2PasswordEncoder.defaultsForSpringSecurity_v5_8()},
    };
    PasswordEncoder delegating = PasswordEncoderFactories.createDelegatingPasswordEncoder();
    for (Object[] each : encoders) {
      for (String password : new String[] {PASSWORD, UMLAUTS}) {
        String hash = "{" + each[0] + "}" + ((PasswordEncoder) each[1]).encode(password);
        boolean isDefault = each[1] != base64 && each[1] != pbkdf2Base64;
        if (isDefault && !delegating.matches(password, hash)) throw new IllegalStateException(hash);
        print(each[0].toString(), password, hash);
      }
    }
    for (String password : new String[] {PASSWORD, UMLAUTS}) {
      print("favre", password, BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(5, password.toCharArray()));
      print("jbcrypt", password, org.mindrot.jbcrypt.BCrypt.hashpw(password, org.mindrot.jbcrypt.BCrypt.gensalt(5)));
    }
  }

  static void print(String name, String password, String hash) {
    System.out.println(name + "\t" + (password.equals(PASSWORD) ? "password" : "umlauts") + "\t" + hash);
  }
}
