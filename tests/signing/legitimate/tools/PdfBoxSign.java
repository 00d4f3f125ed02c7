import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.util.*;
import org.apache.pdfbox.cos.*;
import org.apache.pdfbox.io.IOUtils;
import org.apache.pdfbox.pdmodel.*;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.*;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.visible.*;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.operator.jcajce.*;

/** Signs as the examples of Apache PDFBox do: IN OUT KEYS PASSWORD SUBFILTER [visible PNG] [certify N]. */
public class PdfBoxSign implements SignatureInterface {
  final PrivateKey key;
  final Certificate[] chain;

  PdfBoxSign(String file, String password) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(new FileInputStream(file), password.toCharArray());
    String alias = store.aliases().nextElement();
    key = (PrivateKey) store.getKey(alias, password.toCharArray());
    chain = store.getCertificateChain(alias);
  }

  public byte[] sign(InputStream content) throws IOException {
    try {
      CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
      X509Certificate own = (X509Certificate) chain[0];
      generator.addSignerInfoGenerator(new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().build())
          .build(new JcaContentSignerBuilder("SHA256With" + (key.getAlgorithm().equals("RSA") ? "RSA" : "ECDSA")).build(key), own));
      generator.addCertificates(new JcaCertStore(Arrays.asList(chain)));
      return generator.generate(new CMSProcessableByteArray(IOUtils.toByteArray(content)), false).getEncoded();
    } catch (Exception error) {
      throw new IOException(error);
    }
  }

  public static void main(String[] args) throws Exception {
    List<String> more = Arrays.asList(args).subList(5, args.length);
    File in = new File(args[0]), out = new File(args[1]);
    try (PDDocument document = PDDocument.load(in); OutputStream to = new FileOutputStream(out)) {
      PDSignature signature = new PDSignature();
      signature.setFilter(PDSignature.FILTER_ADOBE_PPKLITE);
      signature.setSubFilter(COSName.getPDFName(args[4]));
      signature.setName("PDFBox");
      signature.setLocation("Song Hong");
      signature.setReason("Thu nghiem");
      signature.setSignDate(Calendar.getInstance());
      if (more.contains("certify")) certify(document, signature, Integer.parseInt(more.get(more.indexOf("certify") + 1)));
      SignatureOptions options = new SignatureOptions();
      options.setPreferredSignatureSize(6000);
      if (more.contains("visible")) {
        InputStream picture = new FileInputStream(more.get(more.indexOf("visible") + 1));
        PDVisibleSignDesigner designer = new PDVisibleSignDesigner(document, picture, 1);
        designer.xAxis(300).yAxis(600).width(120).height(60).signatureFieldName("Dau");
        PDVisibleSigProperties properties = new PDVisibleSigProperties();
        properties.signerName("PDFBox").signatureReason("Thu").preferredSize(0).page(1).visualSignEnabled(true)
            .setPdVisibleSignature(designer);
        properties.buildSignature();
        options.setVisualSignature(properties.getVisibleSignature());
      }
      options.setPage(0);
      document.addSignature(signature, new PdfBoxSign(args[2], args[3]), options);
      document.saveIncremental(to);
    }
  }

  /** SigUtils.setMDPPermission of the examples. */
  static void certify(PDDocument document, PDSignature signature, int level) {
    COSDictionary params = new COSDictionary();
    params.setItem(COSName.TYPE, COSName.getPDFName("TransformParams"));
    params.setInt(COSName.P, level);
    params.setName(COSName.V, "1.2");
    params.setNeedToBeUpdated(true);
    COSDictionary reference = new COSDictionary();
    reference.setItem(COSName.TYPE, COSName.getPDFName("SigRef"));
    reference.setItem("TransformMethod", COSName.DOCMDP);
    reference.setItem("DigestMethod", COSName.getPDFName("SHA1"));
    reference.setItem("TransformParams", params);
    reference.setNeedToBeUpdated(true);
    COSArray references = new COSArray();
    references.add(reference);
    references.setNeedToBeUpdated(true);
    signature.getCOSObject().setItem("Reference", references);
    COSDictionary catalog = document.getDocumentCatalog().getCOSObject();
    COSDictionary permissions = new COSDictionary();
    catalog.setItem(COSName.PERMS, permissions);
    permissions.setItem(COSName.DOCMDP, signature);
    catalog.setNeedToBeUpdated(true);
    permissions.setNeedToBeUpdated(true);
  }
}
