package test;

import com.google.gson.Gson;
import java.util.Arrays;
import java.util.List;

/**
 * Calls auth as a service in Java would, and prints what it saw as JSON.
 *
 * <pre>
 * java -jar java-client.jar answers HOST:PORT
 * java -jar java-client.jar balance HOST:PORT HOST:PORT
 * </pre>
 */
final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    List<String> addresses = Arrays.asList(args).subList(Math.min(1, args.length), args.length);
    String command = args.length == 0 ? "" : args[0];
    Object seen;
    if (command.equals("answers") && addresses.size() == 1) {
      seen = Answers.of(addresses.get(0));
    } else if (command.equals("balance") && addresses.size() == 2) {
      seen = Balance.over(addresses);
    } else {
      System.err.println("usage: answers HOST:PORT | balance HOST:PORT HOST:PORT");
      System.exit(2);
      return;
    }
    System.out.println(new Gson().toJson(seen));
    // Netty's threads would keep the process for some seconds.
    System.exit(0);
  }
}
