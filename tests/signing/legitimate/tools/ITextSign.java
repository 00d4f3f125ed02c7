import com.itextpdf.text.Image;
import com.itextpdf.text.Rectangle;
import com.itextpdf.text.pdf.*;
import com.itextpdf.text.pdf.security.*;
import java.io.*;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.util.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** Signs with iText 5: IN OUT KEYS PASSWORD FIELD cms|cades [visible PNG] [certify N] [tsa URL]; or ltv IN OUT CRLS..; or stamp IN OUT URL. */
public class ITextSign {
  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    if (args[0].equals("ltv")) ltv(args);
    else if (args[0].equals("stamp")) stamp(args);
    else if (args[0].equals("field")) field(args);
    else if (args[0].equals("fill")) fill(args);
    else sign(args);
  }

  static void sign(String[] args) throws Exception {
    List<String> more = Arrays.asList(args);
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(new FileInputStream(args[2]), args[3].toCharArray());
    String alias = store.aliases().nextElement();
    PrivateKey key = (PrivateKey) store.getKey(alias, args[3].toCharArray());
    Certificate[] chain = store.getCertificateChain(alias);
    PdfReader reader = new PdfReader(args[0]);
    boolean there = reader.getAcroFields().getFieldItem(args[4]) != null;
    PdfStamper stamper = PdfStamper.createSignature(reader, new FileOutputStream(args[1]), '\0', null, true);
    PdfSignatureAppearance look = stamper.getSignatureAppearance();
    look.setReason("Thu nghiem");
    look.setLocation("Song Hong");
    if (more.contains("visible")) {
      look.setSignatureGraphic(Image.getInstance(more.get(more.indexOf("visible") + 1)));
      look.setRenderingMode(PdfSignatureAppearance.RenderingMode.GRAPHIC);
      look.setVisibleSignature(new Rectangle(320, 180, 440, 240), 1, args[4]);
    } else if (more.contains("text")) {
      look.setVisibleSignature(new Rectangle(100, 180, 250, 240), 1, args[4]);
    } else if (there) look.setVisibleSignature(args[4]);
    else look.setVisibleSignature(new Rectangle(0, 0, 0, 0), 1, args[4]);
    if (more.contains("certify")) look.setCertificationLevel(Integer.parseInt(more.get(more.indexOf("certify") + 1)));
    TSAClient tsa = more.contains("tsa") ? new TSAClientBouncyCastle(more.get(more.indexOf("tsa") + 1)) : null;
    MakeSignature.signDetached(look, new BouncyCastleDigest(), new PrivateKeySignature(key, "SHA-256", "BC"), chain, null, null,
        tsa, more.contains("tsa") ? 12000 : 6000, args[5].equals("cades") ? MakeSignature.CryptoStandard.CADES : MakeSignature.CryptoStandard.CMS);
  }

  static void ltv(String[] args) throws Exception {
    PdfReader reader = new PdfReader(args[1]);
    PdfStamper stamper = new PdfStamper(reader, new FileOutputStream(args[2]), '\0', true);
    LtvVerification ltv = stamper.getLtvVerification();
    List<byte[]> lists = new ArrayList<>(), certificates = new ArrayList<>();
    for (String name : Arrays.asList(args).subList(3, args.length)) {
      byte[] data = new FileInputStream(name).readAllBytes();
      (name.endsWith(".crl") ? lists : certificates).add(data);
    }
    AcroFields fields = stamper.getAcroFields();
    for (String name : fields.getSignatureNames()) ltv.addVerification(name, null, lists, certificates);
    ltv.merge();
    stamper.close();
  }

  static void stamp(String[] args) throws Exception {
    PdfReader reader = new PdfReader(args[1]);
    PdfStamper stamper = PdfStamper.createSignature(reader, new FileOutputStream(args[2]), '\0', null, true);
    LtvTimestamp.timestamp(stamper.getSignatureAppearance(), new TSAClientBouncyCastle(args[3]), null);
  }

  static void field(String[] args) throws Exception {
    PdfStamper stamper = new PdfStamper(new PdfReader(args[1]), new FileOutputStream(args[2]));
    for (int n = 3; n < args.length; n++) {
      PdfFormField field = PdfFormField.createSignature(stamper.getWriter());
      field.setWidget(new Rectangle(100 + 160 * (n - 3), 100, 240 + 160 * (n - 3), 150), null);
      field.setFieldName(args[n]);
      field.setFlags(PdfAnnotation.FLAGS_PRINT);
      stamper.addAnnotation(field, 1);
    }
    stamper.close();
  }

  static void fill(String[] args) throws Exception {
    PdfStamper stamper = new PdfStamper(new PdfReader(args[1]), new FileOutputStream(args[2]), '\0', true);
    stamper.getAcroFields().setField(args[3], args[4]);
    stamper.close();
  }
}
