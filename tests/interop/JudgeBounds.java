import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import org.apache.iceberg.expressions.Literal;
import org.apache.iceberg.types.Comparators;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.BinaryUtil;
import org.apache.iceberg.util.UnicodeUtil;

/**
 * Iceberg's own implementation as the judge of bounds and order.
 *
 * <p>java -cp 'iceberg-api, iceberg-core and what they need' JudgeBounds.java FILE. Lines of FILE: `string HEX` (UTF-8), `binary HEX`,
 * `double TEXT`. For each text and binary it prints a line `LOWER UPPER`, both hex, `-` for none, cut to 16; then for each kind a line with
 * the numbers of its values in Iceberg's order, equal ones in theirs.
 */
public class JudgeBounds {
  private static final HexFormat HEX = HexFormat.of();
  private static final int LENGTH = 16;

  public static void main(String[] args) throws Exception {
    List<CharSequence> strings = new ArrayList<>();
    List<ByteBuffer> binaries = new ArrayList<>();
    List<Double> doubles = new ArrayList<>();
    StringBuilder out = new StringBuilder();
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      String kind = line.substring(0, line.indexOf(' '));
      String value = line.substring(kind.length() + 1);
      switch (kind) {
        case "string" -> {
          String text = new String(HEX.parseHex(value), StandardCharsets.UTF_8);
          strings.add(text);
          Literal<CharSequence> literal = Literal.of(text);
          out.append(hex(UnicodeUtil.truncateStringMin(literal, LENGTH)))
              .append(' ')
              .append(hex(UnicodeUtil.truncateStringMax(literal, LENGTH)))
              .append('\n');
        }
        case "binary" -> {
          ByteBuffer bytes = ByteBuffer.wrap(HEX.parseHex(value));
          binaries.add(bytes);
          Literal<ByteBuffer> literal = Literal.of(bytes);
          out.append(hexOf(BinaryUtil.truncateBinaryMin(literal, LENGTH)))
              .append(' ')
              .append(hexOf(BinaryUtil.truncateBinaryMax(literal, LENGTH)))
              .append('\n');
        }
        default -> doubles.add(Double.valueOf(value));
      }
    }
    out.append(order(strings, Comparators.forType(Types.StringType.get())));
    out.append(order(binaries, Comparators.forType(Types.BinaryType.get())));
    out.append(order(doubles, Comparators.forType(Types.DoubleType.get())));
    System.out.print(out);
  }

  private static String hex(Literal<CharSequence> literal) {
    return literal == null ? "-" : "x" + HEX.formatHex(literal.value().toString().getBytes(StandardCharsets.UTF_8));
  }

  private static String hexOf(Literal<ByteBuffer> literal) {
    if (literal == null) {
      return "-";
    }
    ByteBuffer bytes = literal.value().duplicate();
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return "x" + HEX.formatHex(copy);
  }

  private static <T> String order(List<T> values, Comparator<T> comparator) {
    List<Integer> numbers = new ArrayList<>();
    for (int number = 0; number < values.size(); number++) {
      numbers.add(number);
    }
    numbers.sort((a, b) -> comparator.compare(values.get(a), values.get(b)));
    return String.join(" ", numbers.stream().map(String::valueOf).toList()) + "\n";
  }
}
